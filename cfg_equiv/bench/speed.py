"""Time and memory of the main job: ``python -m cfg_equiv.bench.speed`` runs it in a process of its own and prints.

With ``--suite`` it also times the default test suite. Limits are those the project promises on two cores; it exits with
1 if one is passed. Nothing here is a test: timings belong to a machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cfg_equiv.results import VerifyReport

GIB = 1024.0**3


@dataclass(frozen=True)
class Measure:
    """One measured quantity with its unit and the limit promised for it."""

    name: str
    value: float
    limit: float
    unit: str


def run(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory (GiB) of a command; its output goes to standard error."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(child.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} ended with status {code}: its output is above")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / GIB


def measures(suite: bool) -> list[Measure]:
    """Everything measured, in the order it is printed."""
    python = [sys.executable, "-m"]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        seconds, memory = run([*python, "cfg_equiv", "verify", "--json", str(target)])
        report = VerifyReport.from_json(target.read_text(encoding="utf-8"))
    found = [
        Measure("cfg-equiv verify", seconds, 60, "s"),
        Measure("its peak memory", memory, 2, "GiB"),
        Measure("the one-step proofs in it", sum(t.ms for t in report.theorems) / 1000, 10, "s"),
    ]
    if suite:
        found.append(Measure("pytest", run([*python, "pytest", "-q"])[0], 120, "s"))
    return found


def main() -> int:
    """Print the table; exit status 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description="Time and memory of the main job.")
    parser.add_argument("--suite", action="store_true", help="time the default test suite as well")
    found = measures(parser.parse_args().suite)
    for m in found:
        print(f"{m.name:28} {m.value:7.2f} {m.unit:4} (limit {m.limit:g})")
    return 0 if all(m.value <= m.limit for m in found) else 1


if __name__ == "__main__":
    sys.exit(main())

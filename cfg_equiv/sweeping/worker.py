"""One run, and the process that takes runs one after the other: ``python -m cfg_equiv.sweeping.worker``.

It reads a run a line and answers with a record a line. What a subject prints goes nowhere: the answers have a channel
of their own. After a run that leaves threads behind it ends itself, and whoever asked starts another.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from cfg_equiv.errors import UnknownNameError
from cfg_equiv.sweeping.product import refusal
from cfg_equiv.sweeping.records import Outcome, Run, RunRecord

READY, BEGIN = "ready", "begin"


def execute(run: Run, examples: int | None = None, checks: Sequence[str] | None = None) -> RunRecord:
    """Make the subject of a run and check it; whatever happens short of the process's end is in the record."""
    from cfg_equiv.sweeping.targets import product_of, subject_of
    from cfg_equiv.sweeping.trace import traced_case
    from cfg_equiv.testing.runner import check, one_line
    from cfg_equiv.testing.select import checks_for
    from cfg_equiv.testing.targets import TargetError, importable

    start = time.monotonic()

    def record(outcome: Outcome, message: str = "", **found: Any) -> RunRecord:
        return RunRecord(run, outcome, message, round(time.monotonic() - start, 3), **found)

    try:
        with importable():
            product = product_of(run.target)
            subject = subject_of(run)
            own = {one.name for one in checks_for(subject)}
            asked = None if checks is None else [name for name in checks if name in own]
            report = check(subject, checks=asked, examples=examples)
            traces = {one.name: traced_case(subject, one.case) for one in report.checks if one.status == "failed"}
            code = product.code(product.complete(run.options)) if product else ""
            return record("ran", report=report, code=code, traces={name: t for name, t in traces.items() if t})
    except (UnknownNameError, TargetError) as error:
        return record("error", str(error))
    except (ValueError, NotImplementedError) as error:  # while it was made: the library's own refusal
        return record("rejected", refusal(error))
    except (Exception, SystemExit) as error:
        return record("error", f"the subject could not be made: {one_line(error)}")


def serve(requests: TextIO, answers: TextIO, memory: int) -> None:
    """Answer one run after the other, until there are no more."""
    import torch

    import cfg_equiv.testing.checks  # noqa: F401  before the limit is set, and before the clock of the first run runs

    torch.set_num_threads(1)
    _say(answers, READY)
    limited = False
    for line in requests:
        task = json.loads(line)
        run = Run(**task["run"])
        if not limited:
            limited = True
            _limit_memory(run, memory)
        _say(answers, BEGIN)
        known = set(threading.enumerate())
        record = execute(run, task["examples"], task["checks"])
        last = any(thread.is_alive() for thread in set(threading.enumerate()) - known)
        _say(answers, json.dumps({"record": record.to_json(), "last": last}))
        if last:
            os._exit(0)  # they would go on beside the next run


def _limit_memory(run: Run, memory: int) -> None:
    """Allow so many bytes beyond what the library of the first run takes."""
    from cfg_equiv.sweeping.targets import product_of

    try:
        import resource

        product_of(run.target)  # imports the library
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except Exception:  # no such limit on this system, or the target is wrong: its run says so
        return


def _say(answers: TextIO, text: str) -> None:
    answers.write(text + "\n")
    answers.flush()


def _end_with(parent: int) -> None:
    """End when the process that asks is gone, in the middle of a run too."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Serve on standard input and output; the limit of memory is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what compiled code prints, too
    serve(sys.stdin, answers, int(sys.argv[1]))
    os._exit(0)  # not held up by what a subject left behind


if __name__ == "__main__":
    main()

"""The command line: runs, then reports. Exit status 0 only if everything that was asked for holds and ran."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cfg_equiv.errors import MismatchError, ParameterError, UnknownNameError, WeightError
from cfg_equiv.report.console import print_report, progress_line
from cfg_equiv.sweep_commands import add_commands, run_report, run_sweep
from cfg_equiv.verify import verify


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cfg-equiv", description="Is classifier-free guidance on v right? Proved.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("verify", help="prove the theorems, run the exact grid and the released libraries")
    run.add_argument(
        "--only",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="theorem ids (Q1 P3), theorems, grid, peers, or one comparison's name",
    )
    run.add_argument("--json", metavar="FILE", type=Path, help="write the records to FILE as JSON")
    run.add_argument(
        "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes that decide theorems (all cores)"
    )
    test = commands.add_parser("check", help="run the checks on somebody's samplers, guidance rules or conversions")
    test.add_argument(
        "targets",
        nargs="+",
        metavar="TARGET",
        help="diffusers:PNDMScheduler, diffusers.guiders:*, k_diffusion:sample_dpmpp_2m, my_package.my_module:subjects",
    )
    test.add_argument("--examples", metavar="N", type=int, help="cases each check draws at most (25)")
    test.add_argument("--seed", metavar="N", type=int, help="draw other cases than the same ones every time")
    test.add_argument("--json", metavar="FILE", type=Path, help="write the records to FILE as JSON")
    pair = commands.add_parser("compare", help="whether two solvers, by any of their names, are one map")
    for name in ("first", "second"):
        pair.add_argument(name, metavar=name.upper(), help="dpmpp_2m, k_diffusion:dpmpp_2m, 'diffusers:Name(option=1)'")
    pair.add_argument("--json", metavar="FILE", type=Path, help="write the record to FILE as JSON")
    book = commands.add_parser("atlas", help="all solvers and guidance rules, and what is proved of them")
    book.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder to write, made if missing")
    book.add_argument("--only", action="extend", nargs="+", default=[], metavar="PART", help="samplers or guidance")
    book.add_argument(
        "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes for the orders (all cores)"
    )
    own = commands.add_parser("verdict", help="whether a guidance rule of your own depends on the parameterization")
    own.add_argument(
        "rule", metavar="FILE.py:RULE", help="a function rule(cond, uncond, w) or rule(cond, uncond, w, z)"
    )
    own.add_argument("--space", default="x0", help="the parameterization it was made for (x0)")
    own.add_argument("--weight", type=float, default=3, metavar="W", help="the weight at which it is judged (3)")
    own.add_argument(
        "--shape", type=int, nargs="+", metavar="N", help="the shape of its tensors, batch first (small ones that work)"
    )
    own.add_argument("--json", metavar="FILE", type=Path, help="write the record to FILE as JSON")
    text = commands.add_parser("formula", help="a conversion between two parameterizations, as LaTeX and torch code")
    for name in ("source", "target"):
        text.add_argument(name, metavar=name.upper(), help="eps, x0, v, score, flow, F, ...")
    text.add_argument("--path", default="any", help="any, vp, ve or flow: what the formula is simplified by (any)")
    text.add_argument("--sigma-data", type=float, metavar="S", help="the data's deviation, for F (a symbol)")
    text.add_argument("--json", metavar="FILE", type=Path, help="write the record to FILE as JSON")
    add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0 holds, 1 does not or was interrupted, 2 was wrong)."""
    options = _parser().parse_args(arguments)
    target = getattr(options, "json", None)
    if target is not None and not target.resolve().parent.is_dir():
        folder = target.resolve().parent
        print(f"expected a file in an existing folder, got {target}: create {folder} first", file=sys.stderr)
        return 2
    commands = {
        "atlas": _atlas,
        "check": _check,
        "compare": _compare,
        "formula": _formula,
        "report": run_report,
        "sweep": run_sweep,
        "verdict": _verdict,
        "verify": _verify,
    }
    try:
        return commands[options.command](options)
    except KeyboardInterrupt:  # a sweep has said by itself what is on disk
        print("interrupted: run the same command again", file=sys.stderr)
        return 1


def _verify(options: argparse.Namespace) -> int:
    if options.jobs < 1:
        print(f"expected 1 process or more, got {options.jobs}: pass --jobs 2", file=sys.stderr)
        return 2
    try:
        with progress_line() as progress:
            report = verify(options.only, progress, options.jobs)
    except UnknownNameError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json is not None:
        options.json.write_text(report.to_json(), encoding="utf-8")
    print_report(report)
    return 0 if report.holds else 1


def _compare(options: argparse.Namespace) -> int:
    from cfg_equiv.compare import compare

    try:
        found = compare(options.first, options.second)
    except UnknownNameError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(found), indent=2), encoding="utf-8")
    print(f"{found.first} is {found.first_solver}, {found.second} is {found.second_solver}")
    print(*filter(None, (f"{'one map' if found.same else 'two maps'}: {found.detail}", found.leading)), sep="\n")
    return 0 if found.same else 1


def _atlas(options: argparse.Namespace) -> int:
    from cfg_equiv.atlas import OutputError, atlas

    try:
        with progress_line() as progress:
            found = atlas(options.out, options.only, workers=options.jobs, progress=progress)
    except (OutputError, ParameterError, UnknownNameError) as error:
        print(error, file=sys.stderr)
        return 2
    for text in (*map(str, found.files), *found.notes, f"{found.seconds} s"):
        print(text)
    return 0


def _verdict(options: argparse.Namespace) -> int:
    # What follows needs torch, which the theorems do without.
    from cfg_equiv.verdict import RuleError, load_rule, verdict

    try:
        found = verdict(load_rule(options.rule), space=options.space, w=options.weight, shape=options.shape)
    except (UnknownNameError, RuleError, WeightError, MismatchError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json is not None:
        options.json.write_text(json.dumps(found.to_dict(), indent=2), encoding="utf-8")
    print(found)
    return 0 if found.commutes else 1


def _formula(options: argparse.Namespace) -> int:
    from cfg_equiv.formula import formula

    try:
        found = formula(options.source, options.target, path=options.path, sigma_data=options.sigma_data)
    except (UnknownNameError, ParameterError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.json is not None:
        options.json.write_text(json.dumps(found.to_dict(), indent=2), encoding="utf-8")
    print(found)
    return 0


def _check(options: argparse.Namespace) -> int:
    # What follows needs torch, which the theorems do without.
    from cfg_equiv.report.checks import print_checks
    from cfg_equiv.testing.checks import CHECKS
    from cfg_equiv.testing.runner import check
    from cfg_equiv.testing.targets import TargetError, importable, resolve

    if options.examples is not None and options.examples < 1:
        print(f"expected 1 example or more, got {options.examples}: pass --examples 25", file=sys.stderr)
        return 2
    try:
        subjects = [subject for target in options.targets for subject in resolve(target)]
    except (UnknownNameError, TargetError) as error:
        print(error, file=sys.stderr)
        return 2
    with progress_line() as progress, importable():
        asked = {"examples": options.examples, "seed": options.seed, "progress": progress}
        reports = [check(subject, **asked) for subject in subjects]
    if options.json is not None:
        options.json.write_text(json.dumps([report.to_dict() for report in reports], indent=2), encoding="utf-8")
    print_checks(reports, {one.name: one.hint for one in CHECKS})
    return 0 if all(record.holds for report in reports for record in report.checks) else 1


if __name__ == "__main__":
    sys.exit(main())

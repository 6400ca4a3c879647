"""What a sweep found, as text: one table class x property, then the sentence that explains each failure."""

from collections.abc import Iterable, Mapping, Sequence

from cfg_equiv.report.console import Row, print_table
from cfg_equiv.sweeping.findings import Overview

ORDER = ("RUN", "EQ", "CFG", "RT", "X0", "MOM", "ORD", "SCH", "DT", "NAN", "BAT", "ST", "SENS")


def columns(overview: Overview) -> list[str]:
    """The properties that were checked, in the order of the design; others after them."""
    found = dict.fromkeys(name for row in overview.table.values() for name in row)
    return [name for name in ORDER if name in found] + [name for name in found if name not in ORDER]


def cell(counts: Mapping[str, int]) -> str:
    """One property of one target: ``ok 24``, or what failed of how many that ran."""
    ran = sum(number for status, number in counts.items() if status != "not_applicable")
    bad = [
        f"{counts[status]} {word}" for status, word in (("failed", "FAILED"), ("error", "ERROR")) if status in counts
    ]
    if bad:
        return f"{', '.join(bad)} of {ran}"
    return f"ok {ran}" if ran else "-"


def rows(overview: Overview) -> list[Row]:
    """One row a target."""
    return [
        (target, *(cell(properties.get(name, {})) for name in columns(overview)))
        for target, properties in overview.table.items()
    ]


def explanations(overview: Overview) -> list[str]:
    """One text a failure: which runs, then the smallest of them."""
    texts = []
    for one in overview.findings:
        changed = ", ".join(f"{name}={value!r}" for name, value in one.smallest.run.options.items()) or "the defaults"
        lines = [
            str(one),
            f"  smallest {changed}",
            f"  check    {one.smallest.check}",
            f"  case     {one.smallest.case}",
        ]
        texts.append("\n".join([*lines, f"  found    {one.smallest.message}"]))
    return texts


def rejections(overview: Overview) -> list[str]:
    """What the library refuses, in its own words, and how often."""
    return [
        f"{target} refuses {sum(sentences.values())} combinations: {next(iter(sentences))}"
        + (f" (and {len(sentences) - 1} other reasons)" if len(sentences) > 1 else "")
        for target, sentences in overview.rejections.items()
    ]


def print_overview(overview: Overview, remarks: Sequence[str] = ()) -> None:
    """Print the table, the explanations and what was refused to standard output."""
    if overview.table:
        print_table("Runs by property", ("target", *columns(overview)), rows(overview))
    print_all(explanations(overview), "\n")
    print()
    print_all([*rejections(overview), *remarks])


def print_all(texts: Iterable[str], before: str = "") -> None:
    """Print texts, one a line."""
    for text in texts:
        print(f"{before}{text}")

"""Which combinations of options a sweep runs: every single change, and every pair of values in some combination.

All pairs grow with the square of the number of values of two options, not with the product over all of them: thirty
options with three values have 3^30 combinations, and a few dozen cover all pairs. Faults that need three options at
once may be missed; the full product is there for the patient.

The construction is greedy and has no chance in it: a row starts as the defaults with one pair that is still missing,
and takes over, option by option, the value that brings the most missing pairs and that the library does not refuse.

References
----------
D. M. Cohen, S. R. Dalal, M. L. Fredman, G. C. Patton, The AETG system: an approach to testing based on combinatorial
design, IEEE Trans. Software Eng. 23 (1997): greedy covering of pairs.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from cfg_equiv.sweeping.product import Options, Product

Pair = tuple[tuple[str, int], tuple[str, int]]


def combinations(product: Product, *, full: bool = False) -> Iterator[dict[str, Any]]:
    """The combinations in order: the defaults, each single change, then pairs; or the whole product.

    Those that the library refuses are among them where a pair has no other: that it refuses them is a result.
    """
    seen: set[str] = set()
    for options in _product(product) if full else _pairwise(product):
        key = json.dumps(options, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield options


def _product(product: Product) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*product.values.values()):
        yield dict(zip(product.values, values, strict=True))


def _pairwise(product: Product) -> Iterator[dict[str, Any]]:
    names = list(product.values)
    missing = dict.fromkeys(_pairs_of_all(product, names))
    accepted = _Memory(product)

    def settle(row: dict[str, int]) -> dict[str, Any]:
        for pair in itertools.combinations(row.items(), 2):
            missing.pop(pair, None)
        return {name: product.values[name][k] for name, k in row.items()}

    default = dict.fromkeys(names, 0)
    yield settle(default)
    for name in names:
        for k in range(1, len(product.values[name])):
            row = {**default, name: k}
            options = {key: product.values[key][i] for key, i in row.items()}
            yield settle(row) if accepted(row) else options
    while missing:
        pair = next(iter(missing))
        row = {**default, **dict(pair)}
        if not accepted(row):  # perhaps not because of this pair: one more option may have to change
            missing.pop(pair)
            repaired = _repaired(product, row, dict(pair), accepted)
            if repaired is None:
                yield {name: product.values[name][k] for name, k in row.items()}
                continue
            row = repaired
        yield settle(_filled(product, row, dict(pair), missing, accepted))


def _pairs_of_all(product: Product, names: Sequence[str]) -> Iterator[Pair]:
    for a, b in itertools.combinations(names, 2):
        for i, j in itertools.product(range(len(product.values[a])), range(len(product.values[b]))):
            yield (a, i), (b, j)


def _filled(
    product: Product, row: dict[str, int], fixed: Options, missing: dict[Pair, None], accepted: "_Memory"
) -> dict[str, int]:
    """The row, each option that is free set to the value that brings the most missing pairs."""
    for name in row:
        if name in fixed:
            continue
        gains = [(_gain({**row, name: k}, name, missing), -k) for k in range(len(product.values[name]))]
        for _gained, negative in sorted(gains, reverse=True):
            changed = {**row, name: -negative}
            if -negative == row[name] or accepted(changed):
                row = changed
                break
    return row


def _gain(row: dict[str, int], name: str, missing: dict[Pair, None]) -> int:
    """How many missing pairs the option's value makes with the others."""
    order = list(row)
    at = order.index(name)
    mine = (name, row[name])
    before = sum(((other, row[other]), mine) in missing for other in order[:at])
    return before + sum((mine, (other, row[other])) in missing for other in order[at + 1 :])


def _repaired(product: Product, row: dict[str, int], fixed: Options, accepted: "_Memory") -> dict[str, int] | None:
    """The row with one more option changed so that it is accepted, if that is possible."""
    for name in row:
        if name not in fixed:
            for k in range(len(product.values[name])):
                changed = {**row, name: k}
                if k != row[name] and accepted(changed):
                    return changed
    return None


class _Memory:
    """Whether the library takes a row, asked once."""

    def __init__(self, product: Product) -> None:
        self.product, self.known = product, dict[tuple[int, ...], bool]()

    def __call__(self, row: dict[str, int]) -> bool:
        key = tuple(row.values())
        if key not in self.known:
            options = {name: self.product.values[name][k] for name, k in row.items()}
            self.known[key] = not self.product.rejected(options)
        return self.known[key]

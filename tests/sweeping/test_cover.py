"""All single changes, all pairs, in a fixed order; what the library refuses is tried once and worked around."""

import itertools

import pytest

from cfg_equiv.sweeping.cover import combinations
from cfg_equiv.sweeping.product import Product

VALUES = {"a": (1, 2, 3), "b": (False, True), "c": ("x", "y"), "d": (0, 1), "e": (0, 1, 2, 3)}


def pairs(options):
    return set(itertools.combinations(options.items(), 2))


def every_pair(values):
    for (a, xs), (b, ys) in itertools.combinations(values.items(), 2):
        for x, y in itertools.product(xs, ys):
            yield (a, x), (b, y)


def made(options):
    raise AssertionError("planning makes no subject")


def test_pairs_are_all_covered_by_few_combinations():
    found = list(combinations(Product(made, VALUES)))
    covered = set().union(*(pairs(options) for options in found))
    assert covered == set(every_pair(VALUES))
    assert len(found) < 30 < 3 * 2 * 2 * 2 * 4
    assert len({repr(options) for options in found}) == len(found)


def test_the_defaults_come_first_then_every_single_change():
    product = Product(made, VALUES)
    found = list(combinations(product))
    assert found[0] == product.default
    singles = [options for options in found if len(product.changed(options)) == 1]
    assert found[1 : 1 + len(singles)] == singles
    assert len(singles) == sum(len(values) - 1 for values in VALUES.values())


def test_the_order_is_fixed():
    assert list(combinations(Product(made, VALUES))) == list(combinations(Product(made, VALUES)))


def test_the_full_product_is_every_combination_once():
    found = list(combinations(Product(made, VALUES), full=True))
    assert len(found) == len({repr(options) for options in found}) == 96


def refuses(options):
    if options["b"] and options["c"] == "y":
        return "b and c exclude each other"
    return "a = 2 needs e = 1" if options["a"] == 2 and options["e"] != 1 else ""


def test_refused_combinations_are_few_and_their_other_pairs_are_covered_elsewhere():
    product = Product(made, VALUES, refuses)
    found = list(combinations(product))
    accepted = [options for options in found if not refuses(options)]
    covered = set().union(*(pairs(options) for options in accepted))
    possible = {
        pair
        for values in itertools.product(*VALUES.values())
        if not refuses(options := dict(zip(VALUES, values, strict=True)))
        for pair in pairs(options)
    }
    assert covered == possible
    assert {"b": True, "c": "y"} in [product.changed(options) for options in found]
    assert len(found) - len(accepted) <= 6


@pytest.mark.parametrize("size", [10, 20])
def test_many_options_need_few_combinations_more(size):
    values = {f"option_{k}": (0, 1) for k in range(size)}
    found = list(combinations(Product(made, values)))
    assert set().union(*(pairs(options) for options in found)) == set(every_pair(values))
    assert len(found) <= size + 1 + 14

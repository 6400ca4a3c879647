import pytest

from cfg_equiv.errors import ParameterError, UnknownNameError
from cfg_equiv.sweeping.product import Product, is_refusal, refusal


def made(options):
    raise NotImplementedError


def test_defaults_are_the_first_values():
    product = Product(made, {"a": (1, 2), "b": (True, False)})
    assert product.default == {"a": 1, "b": True}
    assert product.complete({"a": 2}) == {"a": 2, "b": True}
    assert product.changed({"a": 2, "b": True}) == {"a": 2}
    assert product.rejected(product.default) == product.code(product.default) == ""


def test_true_is_another_value_than_one():
    product = Product(made, {"a": (1, True)})
    assert product.changed({"a": True}) == {"a": True}


@pytest.mark.parametrize("values", [(), "abc", (1, 1)])
def test_values_are_listed_once(values):
    with pytest.raises(ParameterError, match=r"expected one value or more of the option a, got .*: list each once"):
        Product(made, {"a": values})


def test_values_go_into_json():
    with pytest.raises(ParameterError, match=r"expected plain values of the option a, got \[1\]: map a name to it"):
        Product(made, {"a": ([1],)})


def test_an_unknown_option_is_named():
    with pytest.raises(UnknownNameError, match="expected a swept option out of size, got 'sise': did you mean 'size'"):
        Product(made, {"size": (1, 2)}).complete({"sise": 1})


def test_a_refusal_is_raised_by_hand():
    def caught(run):
        with pytest.raises((ValueError, TypeError)) as info:
            run()
        return info.value

    def refuses():
        raise ValueError("not with this")

    def breaks():
        raise TypeError("not with this")

    assert is_refusal(caught(refuses))
    assert not is_refusal(caught(breaks))
    assert not is_refusal(caught(lambda: int("x")))
    assert not is_refusal(ValueError("never raised"))


def test_a_refusal_is_one_line_and_never_empty():
    assert refusal(ValueError("two\n  lines")) == "two lines"
    assert refusal(NotImplementedError()) == "NotImplementedError"

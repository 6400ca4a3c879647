import pytest

from cfg_equiv import errors
from cfg_equiv.errors import sentence, unknown_name


def test_a_message_is_one_sentence_with_three_parts():
    assert sentence("a cat", "a dog", "look again") == "expected a cat, got a dog: look again"


def test_an_unknown_name_comes_with_a_suggestion_where_one_is_close():
    close = unknown_name("sampler", "ddim_esp", ("ddim_eps", "renoise"))
    assert str(close) == "expected a sampler out of ddim_eps, renoise, got 'ddim_esp': did you mean 'ddim_eps'?"
    assert str(unknown_name("sampler", 7, ("ddim_eps",))).endswith("got 7: use one of these names")


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("UnknownNameError", ValueError),
        ("LevelError", ValueError),
        ("MismatchError", ValueError),
        ("WeightError", ValueError),
        ("SingularEndError", ValueError),
        ("PathError", ValueError),
        ("ParameterError", TypeError),
    ],
)
def test_errors_are_builtin_errors_too(name, base):
    assert issubclass(getattr(errors, name), base)

"""What a sweep is told to go through: libraries with a table of options, or a module's own products and subjects."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cfg_equiv.errors import UnknownNameError, sentence, unknown_name
from cfg_equiv.sweeping.product import Product
from cfg_equiv.sweeping.records import Run
from cfg_equiv.testing.subjects import Subject
from cfg_equiv.testing.targets import ADAPTERS, TargetError, importable, resolve

# Library -> the module with its names() and product(name). The modules are imported when asked for.
LIBRARIES: dict[str, str] = {
    "diffusers": "cfg_equiv.sweeping.diffusers_products",
    "diffusers.guiders": "cfg_equiv.sweeping.guider_products",
    "k_diffusion": "cfg_equiv.sweeping.k_diffusion_products",
    "stable_audio": "cfg_equiv.sweeping.stable_audio_products",
    "flow_matching": "cfg_equiv.sweeping.flow_matching_products",
    "azula": "cfg_equiv.sweeping.azula_products",
    "skrample": "cfg_equiv.sweeping.skrample_products",
}


def expand(targets: Sequence[str]) -> list[str]:
    """The targets with ``library:*`` written out, each once.

    Raises
    ------
    UnknownNameError, TargetError
        As :func:`cfg_equiv.testing.targets.resolve` does.
    """
    if isinstance(targets, str) or not targets:
        do = "for instance diffusers:DDIMScheduler, diffusers:*, my_package.my_module:product"
        raise UnknownNameError(sentence("a list of targets", repr(targets), do))
    found: dict[str, None] = {}
    for target in targets:
        library, _, name = target.partition(":")
        if name == "*" and library in LIBRARIES:
            found |= dict.fromkeys(f"{library}:{each}" for each in _library(library).names())
        else:
            found[target] = None
    return list(found)


def product_of(target: str) -> Product | None:
    """The options behind a target; None if what it names has no options but is a list of subjects."""
    module, colon, name = target.partition(":")
    if module in LIBRARIES and colon and name:
        made: Product = _library(module).product(name)
        return made
    if module and name and name != "*" and module not in ADAPTERS:
        with importable():
            try:
                value = getattr(import_module(module), name, None)
            except (Exception, SystemExit):  # resolve says what is wrong
                return None
        if isinstance(value, Product):
            return value
    return None


def subject_of(run: Run) -> Subject:
    """The subject of a run, made anew.

    Raises
    ------
    UnknownNameError, TargetError
        If there is no such target, subject or option.
    """
    product = product_of(run.target)
    if product is not None:
        return product.make(product.complete(run.options))
    subjects = {subject.name: subject for subject in resolve(run.target)}
    if run.subject not in subjects:
        raise unknown_name(f"subject at {run.target}", run.subject, subjects)
    return subjects[run.subject]


def subject(target: str, **options: Any) -> Subject:
    """The subject that a target makes with these options, the others at their default: what a report pastes.

    Examples
    --------
    >>> subject("diffusers:EulerDiscreteScheduler", s_churn=0.5, prediction_type="sample")
    <Sampler EulerDiscreteScheduler[prediction_type=sample,s_churn=0.5]>
    """
    product = product_of(target)
    if product is None:
        raise UnknownNameError(sentence("a target with options", repr(target), "take its subjects as they are"))
    return product.make(product.complete(options))


def _library(library: str) -> Any:
    try:
        return import_module(LIBRARIES[library])
    except ModuleNotFoundError as error:
        do = "run pip install 'cfg_equiv[peers]'"
        raise TargetError(sentence(f"{library} to be installed", f"no module {error.name}", do)) from error

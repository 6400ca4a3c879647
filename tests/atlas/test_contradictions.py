import contextlib
import inspect
import io
import json
import textwrap
import warnings
from dataclasses import replace

import pytest

from cfg_equiv.algebra.guidance import RULES
from cfg_equiv.algebra.solvers import SOLVERS
from cfg_equiv.atlas.contradictions import CONTRADICTIONS, contradicts
from cfg_equiv.atlas.contradictions_samplers import SAMPLERS
from cfg_equiv.peers import k_diffusion, stable_audio
from cfg_equiv.peers.compare import command, installed
from cfg_equiv.peers.isolated import isolated
from cfg_equiv.theorems.orders import PROVED

# Of these the one module is loaded that a program imports: the packages import more than is installed.
ALONE = {
    "k-diffusion": ("k_diffusion.sampling", k_diffusion.STUBS),
    "stable-audio-tools": ("stable_audio_tools.models.dit", stable_audio.STUBS),
}
NAMES = [f"{one.library} {one.symbol}" for one in CONTRADICTIONS]
CASES = [
    pytest.param(one, id=name, marks=[] if one.library in ALONE else pytest.mark.slow)  # these import in seconds
    for one, name in zip(CONTRADICTIONS, NAMES, strict=True)
]


def needed(one):
    missing = [name for name in (one.library, "torch") if installed(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; run: {command(missing)}")


def printed(one, change=lambda: None) -> str:
    """What a program prints, in its own namespace; ``change`` is called once its library can be imported."""
    needed(one)
    with contextlib.ExitStack() as stack:
        if one.library in ALONE:
            module, stubs = ALONE[one.library]
            stack.enter_context(isolated(module, stubs=stubs))
        change()
        out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(warnings.catch_warnings(action="ignore"))  # released code warns of its own
        exec(compile(one.code, one.symbol, "exec"), {})
    return out.getvalue().rstrip("\n")


def of(symbol):
    (found,) = (one for one in CONTRADICTIONS if one.symbol.startswith(symbol))
    return found


@pytest.mark.parametrize("one", CASES)
def test_a_program_prints_what_the_record_shows(one):
    assert printed(one) == one.expected


@pytest.mark.parametrize("one", CONTRADICTIONS, ids=NAMES)
def test_what_is_quoted_stands_in_the_installed_file(one):
    needed(one)
    assert one.line is not None
    assert replace(one, says=f"{one.says} Indeed!").line is None


@pytest.mark.parametrize("one", CONTRADICTIONS, ids=NAMES)
def test_a_program_is_short_and_needs_the_library_and_torch_alone(one):
    lines = one.code.splitlines()
    imports = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports <= {"torch", "math", one.file.partition("/")[0]}
    assert len([line for line in lines if line]) <= 12
    assert max(map(len, lines)) <= 120
    assert one.rule_or_solver in RULES or one.rule_or_solver in SOLVERS
    assert one.expected


@pytest.mark.parametrize("one", [one for one in SAMPLERS if "log2" in one.code])
def test_an_order_is_below_the_claim_and_the_entry_is_that_release(one):
    claim = SOLVERS[one.rule_or_solver].order
    proved = PROVED[one.rule_or_solver]
    assert max(proved) < claim
    powers = one.expected.splitlines()[-1].partition("[")[2].rstrip("]").split(", ")
    assert [float(power) for power in powers] == [proved[2] + 1] * 2
    alias = SOLVERS[one.rule_or_solver].aliases[one.library.replace("-", "_")]
    assert alias.startswith(one.symbol.partition("(")[0])


@pytest.mark.slow
def test_the_line_is_that_of_the_quotation():
    one = of("IPNDMScheduler")
    needed(one)
    from diffusers import IPNDMScheduler

    lines, start = inspect.getsourcelines(IPNDMScheduler)
    assert one.says in lines[one.line - start]


def mended(owner, name, wrong, right, monkeypatch):
    source = textwrap.dedent(inspect.getsource(getattr(owner, name)))
    assert source.count(wrong) == 1
    namespace = dict(vars(inspect.getmodule(owner)))
    exec(source.replace(wrong, right), namespace)
    monkeypatch.setattr(owner, name, namespace[name])


@pytest.mark.slow
def test_the_third_order_step_with_its_whole_second_derivative_is_of_order_3(monkeypatch):
    one = of("DPMSolverMultistepScheduler")

    def change():
        from diffusers import DPMSolverMultistepScheduler as owner

        wrong = "D2 = (1.0 / (r0 + r1))"
        mended(owner, "multistep_dpm_solver_third_order_update", wrong, "D2 = (2.0 / (r0 + r1))", monkeypatch)

    assert printed(one, change).splitlines() == ["second [3.0, 3.0]", "third [4.0, 4.0]"]


@pytest.mark.slow
def test_ipndm_on_steps_that_are_equal_in_kappa_is_of_order_4():
    one = of("IPNDMScheduler")
    kappas = "(5 - 4.5 * i / steps for i in range(steps + 1))"
    equal = f"IPNDMScheduler(trained_betas=[k / (1 + k * k) ** 0.5 for k in {kappas}])"
    changed = one.code.replace("IPNDMScheduler()", equal).replace("(20, 40)", "(12, 24)")
    assert changed.count("trained_betas") == changed.count("(12, 24)") == 1
    powers = json.loads(printed(replace(one, code=changed)))
    assert [round(power) for power in powers] == [5, 5]  # its tables are of single precision


def test_3m_with_its_whole_second_derivative_is_of_order_3(monkeypatch):
    one = of("sample_dpmpp_3m_sde")

    def change():
        from k_diffusion import sampling

        mended(sampling, "sample_dpmpp_3m_sde", "- phi_3 * d2", "- 2 * phi_3 * d2", monkeypatch)

    assert printed(one, change).splitlines()[1] == "sample_dpmpp_3m_sde [4.0, 4.0]"


def test_records_are_json_and_stand_under_their_entry():
    found = contradicts("dpmpp_3m_sde")
    assert [one["symbol"] for one in found] == ["sample_dpmpp_3m_sde"]
    assert found[0]["prints"] == of("sample_dpmpp_3m_sde").expected
    assert json.loads(json.dumps(found)) == found
    assert contradicts("CFG") == []
    assert sum(len(contradicts(name)) for name in (*RULES, *SOLVERS)) == len(CONTRADICTIONS)


def test_a_library_that_is_not_installed_has_neither_version_nor_line():
    one = replace(CONTRADICTIONS[0], library="no-such-library", file="no_such_library/module.py")
    assert (one.version, one.line) == (None, None)
    assert one.record()["line"] is None

from cfg_equiv.atlas.released import released


def test_released_code_is_found_by_entry_and_run():
    told = []
    found = released(["dpm_solver_12"], told.append)
    assert set(found) == {"dpm_solver_12"}
    assert [one.name for one in found["dpm_solver_12"]] == [text.removeprefix("released code: ") for text in told]
    (one,) = found["dpm_solver_12"]
    assert one.name.startswith("k-diffusion sample_dpm_adaptive")
    assert one.status in ("agrees", "not_run")


def test_an_entry_that_nobody_released_has_none():
    assert released(["er_sde_2"]) == {}

import pytest

from cfg_equiv.bench import strategies


@pytest.mark.parametrize(("ours", "status"), [(40.0, 0), (39.0, 1)])
def test_the_ratio_is_printed_and_decides(monkeypatch, capsys, ours, status):
    rates = iter((ours, 20.0))  # no timings here: they belong to a machine
    monkeypatch.setattr(strategies, "rate", lambda examples, strategy, run: next(rates))
    monkeypatch.setattr("sys.argv", ["strategies"])
    assert strategies.main() == status
    assert f"ratio {ours / 20:.2f}" in capsys.readouterr().out


def test_both_drive_the_same_check(monkeypatch):
    calls = []
    monkeypatch.setattr(strategies, "check", lambda *tensors: calls.append([x.numel() for x in tensors]))
    monkeypatch.setattr("sys.argv", ["strategies", "--examples", "5"])
    strategies.main()
    assert len(calls) == 10
    assert all(call == [512, 512, 512, 1, 1, 1] for call in calls)


def test_the_check_can_fail(monkeypatch):
    monkeypatch.setattr(strategies, "cfg", lambda c, u, w: c)
    monkeypatch.setattr("sys.argv", ["strategies", "--examples", "20"])
    with pytest.raises(AssertionError, match="cfg is off at w = 0"):
        strategies.main()

import pytest

from cfg_equiv.bench import strategies


def test_both_drive_the_same_check_and_the_ratio_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["strategies", "--examples", "20"])
    status = strategies.main()
    out = capsys.readouterr().out
    ratio = float(out.split("ratio ")[1].split()[0])
    assert status == (0 if ratio >= strategies.DEMANDED else 1)
    assert "at 512 elements" in out


def test_the_check_can_fail(monkeypatch):
    monkeypatch.setattr(strategies, "cfg", lambda c, u, w: c)
    monkeypatch.setattr("sys.argv", ["strategies", "--examples", "20"])
    with pytest.raises(AssertionError, match="cfg is off at w = 0"):
        strategies.main()

"""A results file: appended line by line, read as far as it is good, and one sweep's alone."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cfg_equiv.results import CheckRecord, SubjectReport
from cfg_equiv.sweeping.records import Header, Run, RunRecord
from cfg_equiv.sweeping.store import Results, ResultsError, writing

HEADER = Header(["lib:A"], "0.1.0", {"torch": "2.0"}, 5, {"lib:A": {"x": 0}})


def record(x, status="passed"):
    report = SubjectReport("A", "1", (CheckRecord("eq", "EQ", status, 1, 0, "", "RunCase(steps=2)", {"x": x}),))
    return RunRecord(
        Run("lib:A", "", {"x": x}), "ran", seconds=0.5, report=report, code="A()", traces={"eq": {"at": 1}}
    )


def write(path, records, header=HEADER):
    seen = []
    with writing(path, header, seen.append) as (writer, remarks):
        for one in records:
            writer.append(one)
    return seen, remarks


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "out.jsonl"
    assert write(path, [record(1), record(2, "failed")]) == ([], [])
    results = Results.open(path)
    assert results.header == HEADER
    assert list(results.records()) == [record(1), record(2, "failed")]
    assert results.remarks == []


def test_a_sweep_goes_on_where_the_file_ends(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(1)])
    assert write(path, [record(2)]) == ([record(1)], [])
    assert list(Results.open(path).records()) == [record(1), record(2)]


def test_a_last_line_that_is_cut_off_is_dropped_with_one_sentence(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(1), record(2)])
    path.write_bytes(path.read_bytes()[:-20])
    sentence = f"line 3 of {path} is cut off: what comes before it is good and is used"
    results = Results.open(path)
    assert list(results.records()) == [record(1)]
    assert results.remarks == [sentence]
    assert write(path, [record(3)]) == ([record(1)], [sentence])
    assert list(Results.open(path).records()) == [record(1), record(3)]


def test_a_line_of_another_version_is_left_out_with_one_sentence(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(1)])
    with path.open("a") as file:
        file.write('{"something": "else"}\n')
    sentence = f"line 3 of {path} is not a run of this version and is left out: all others are used"
    assert write(path, [record(2)]) == ([record(1)], [sentence])
    results = Results.open(path)
    assert list(results.records()) == [record(1), record(2)]
    assert results.remarks == [sentence]


def test_lines_damaged_in_the_middle_lose_no_other(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(x) for x in range(1, 12)])
    lines = path.read_bytes().splitlines(keepends=True)
    bad = [*range(3, 7), 8, 10]
    for number in bad:  # not text, half of a line, nothing, something else
        lines[number - 1] = (b"\xff\xfe\n", lines[number - 1][:40] + b"\n", b"\n", b"[1]\n")[number % 4]
    path.write_bytes(b"".join(lines))
    good = [record(x) for x in range(1, 12) if x + 1 not in bad]
    sentence = (
        f"lines 3, 4, 5, 6, 8 and 1 more of {path} are no runs of this version and are left out: all others are used"
    )
    assert write(path, [record(2)]) == (good, [sentence])
    assert list(Results.open(path).records()) == [*good, record(2)]


def test_two_lines_are_named(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(1)])
    with path.open("a") as file:
        file.write("{}\n{}\n" + record(2).to_json()[:9])
    results = Results.open(path)
    assert list(results.records()) == [record(1)]
    assert results.remarks == [
        f"line 5 of {path} is cut off: what comes before it is good and is used",
        f"lines 3, 4 of {path} are no runs of this version and are left out: all others are used",
    ]


FULL = """
import resource, sys
from pathlib import Path
from cfg_equiv.sweeping.store import ResultsError
from tests.sweeping.test_store import record, write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write(Path(sys.argv[1]), [record(x) for x in range(9)])
except ResultsError as error:
    print(error)
"""


def test_a_full_disk_is_one_sentence_and_what_is_there_stays(tmp_path):
    pytest.importorskip("resource")
    path = tmp_path / "out.jsonl"
    folder = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], cwd=folder, capture_output=True, text=True, check=True
    )
    assert said.stdout == (
        f"expected room for the results, got {path} (File too large): make room: the same command then goes on from "
        "there\n"
    )
    assert path.stat().st_size == 1000
    there, remarks = write(path, [])
    assert there == [record(x) for x in range(len(there))]
    assert there
    assert "is cut off" in remarks[0]


def test_a_run_that_is_there_twice_counts_once(tmp_path):
    path = tmp_path / "out.jsonl"
    write(path, [record(1), record(1, "failed"), record(2)])
    assert list(Results.open(path).records()) == [record(1), record(2)]


def test_another_format_is_read_with_one_sentence(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text(f"{replace(HEADER, format=7).to_json()}\n{record(1).to_json()}\n")
    results = Results.open(path)
    assert list(results.records()) == [record(1)]
    assert results.remarks == [f"{path} was written in format 7, this version reads 1: read as far as it is good"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 7}, "format 7, not 1"),
        ({"version": "0.2.0"}, "version 0.2.0, not 0.1.0"),
        ({"targets": ["lib:B"]}, "targets lib:B, not lib:A"),
        ({"libraries": {"torch": "1.0"}}, "libraries torch 1.0, not torch 2.0"),
        ({"examples": 6}, "examples 6, not 5"),
        ({"checks": ["eq"]}, "checks eq, not None"),
        ({"defaults": {"lib:A": {"x": 1}}}, "other defaults of the options"),
    ],
)
def test_two_sweeps_are_not_mixed_in_one_file(tmp_path, change, words):
    path = tmp_path / "out.jsonl"
    write(path, [record(1)], replace(HEADER, **change))
    before = path.read_bytes()
    with pytest.raises(ResultsError, match=f"expected a results file of this same sweep, got .* with {words}: give"):
        write(path, [])
    assert path.read_bytes() == before


def test_a_header_that_is_cut_off_is_written_again(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text(HEADER.to_json()[:30])
    with pytest.raises(ResultsError, match="expected the header of a sweep in the first line, got another file"):
        Results.open(path)
    write(path, [record(1)])
    assert list(Results.open(path).records()) == [record(1)]


@pytest.mark.parametrize("text", ["my thesis\n", "[]\n", '{"sweep": 3}\n', "no end of line"])
def test_another_file_is_left_alone(tmp_path, text):
    path = tmp_path / "thesis.txt"
    path.write_text(text)
    with pytest.raises(ResultsError, match="expected the header of a sweep in the first line, got another file"):
        write(path, [])
    assert path.read_text() == text


def test_two_sweeps_do_not_write_one_file(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "out.jsonl"
    with (
        writing(path, HEADER, list),
        pytest.raises(ResultsError, match="which another writes: wait for it, or give another --out"),
        writing(path, HEADER, list),
    ):
        raise AssertionError("not reached")


def test_a_file_that_cannot_be_written_or_read(tmp_path):
    path = tmp_path / "nowhere" / "out.jsonl"
    with pytest.raises(ResultsError, match=r"expected a file that can be written, got .*No such file.*existing folder"):
        write(path, [])
    with pytest.raises(ResultsError, match=r"expected a results file, got .*No such file.*sweep --out wrote"):
        Results.open(path)


def test_a_run_says_what_it_is():
    assert str(Run("lib:A", "", {"x": "y"})) == "lib:A (x='y')"
    assert str(Run("lib:*", "B")) == "lib:* B"

"""The results file of a sweep: JSON lines, the header first, then one line a run, appended as runs end.

A line is whole or it is not there: what a killed sweep left half-written is dropped when the file is read, and a line
that is no record is left out: its run is made again. The file is read line by line, so that it may be larger than
memory.
"""

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self

from cfg_equiv.errors import sentence
from cfg_equiv.sweeping.records import FORMAT, Header, RunRecord

SHOWN = 5  # numbers of lines in a sentence


class ResultsError(Exception):
    """A results file that cannot be used for what was asked. One sentence."""


@dataclass
class Results:
    """A results file as far as it is good.

    ``remarks`` are sentences on what is not; ``end`` is where the good part ends, in bytes. Both are complete once
    :meth:`records` has been read to its end.
    """

    path: Path
    header: Header
    remarks: list[str]
    end: int

    @classmethod
    def open(cls, path: Path) -> Self:
        """The file at ``path``, its header read.

        Raises
        ------
        ResultsError
            If there is no such file, or it does not start with the header of a sweep.
        """
        try:
            with path.open("rb") as file:
                first = file.readline()
        except OSError as error:
            do = "give the file that cfg-equiv sweep --out wrote"
            raise ResultsError(sentence("a results file", f"{path} ({error.strerror})", do)) from error
        try:
            if not first.endswith(b"\n"):
                raise ValueError("cut off")
            header = Header.from_json(first.decode())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            do = "give another --out, or remove it"
            raise ResultsError(
                sentence("the header of a sweep in the first line", f"another file, {path}", do)
            ) from error
        remarks = []
        if header.format != FORMAT:
            remarks.append(
                f"{path} was written in format {header.format}, this version reads {FORMAT}: read as far as it is good"
            )
        return cls(path, header, remarks, len(first))

    def records(self) -> Iterator[RunRecord]:
        """The records in order, each run once; lines that are no records are left out, with one sentence."""
        seen: set[str] = set()
        strange: list[int] = []
        with self.path.open("rb") as file:
            file.seek(self.end)
            for number, line in enumerate(file, 2):
                if not line.endswith(b"\n"):
                    self.remarks.append(
                        f"line {number} of {self.path} is cut off: what comes before it is good and is used"
                    )
                    break
                self.end += len(line)
                try:
                    record = RunRecord.from_json(line.decode())
                except (ValueError, KeyError, TypeError, AttributeError):
                    strange.append(number)
                    continue
                if record.run.key not in seen:
                    seen.add(record.run.key)
                    yield record
        if strange:
            self.remarks.append(_left_out(strange, self.path))


def _left_out(numbers: list[int], path: Path) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]} of {path} is not a run of this version and is left out: all others are used"
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    listed = ", ".join(map(str, numbers[:SHOWN]))
    return f"lines {listed}{more} of {path} are no runs of this version and are left out: all others are used"


class Writer:
    """Appends to a results file that is locked meanwhile: two sweeps do not write one file."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self._file, self._path = file, path

    def append(self, line: Header | RunRecord) -> None:
        """Write one line, and hand it to the operating system at once.

        Raises
        ------
        ResultsError
            If the file takes no more, because the disk is full for instance.
        """
        left = line.to_json().encode() + b"\n"
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            do = "make room: the same command then goes on from there"
            raise ResultsError(sentence("room for the results", f"{self._path} ({error.strerror})", do)) from error


@contextlib.contextmanager
def writing(path: Path, header: Header, see: Callable[[RunRecord], None]) -> Iterator[tuple[Writer, list[str]]]:
    """A writer that goes on where the file ends, and remarks on what was dropped; ``see`` is told what is there.

    Raises
    ------
    ResultsError
        If the file is another sweep's, is being written, or its folder does not exist.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        do = "give a file in an existing folder"
        raise ResultsError(sentence("a file that can be written", f"{path} ({error.strerror})", do)) from error
    with FileIO(descriptor, "r+b") as file:  # no buffer: there would be something left to write after an error
        _lock(file, path)
        remarks: list[str] = []
        if _torn_header(path):
            file.truncate(0)
        writer = Writer(file, path)
        if path.stat().st_size == 0:
            writer.append(header)
        else:
            found = Results.open(path)
            _require_same(path, found.header, header)
            for record in found.records():
                see(record)
            remarks = found.remarks
            file.truncate(found.end)
        file.seek(0, os.SEEK_END)
        yield writer, remarks


def _torn_header(path: Path) -> bool:
    """Whether a sweep was killed while it wrote its first line."""
    with path.open("rb") as file:
        first = file.readline()
    return not first.endswith(b"\n") and first.startswith(b'{"sweep"')


def _require_same(path: Path, there: Header, asked: Header) -> None:
    if different := there.differences(asked):
        came = f"{path} with {'; '.join(different)}"
        raise ResultsError(sentence("a results file of this same sweep", came, "give another --out"))


def _lock(file: FileIO, path: Path) -> None:
    try:
        fcntl = importlib.import_module("fcntl")
    except ModuleNotFoundError:  # no POSIX system
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        do = "wait for it, or give another --out"
        raise ResultsError(
            sentence("a results file for this sweep alone", f"{path}, which another writes", do)
        ) from error

"""The results file of a sweep: JSON lines, the header first, then one line a run, appended as runs end.

A line is whole or it is not there: what a killed sweep left half-written is dropped when the file is read. The file is
read line by line, so that it may be larger than memory.
"""

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from cfg_equiv.errors import sentence
from cfg_equiv.sweeping.records import FORMAT, Header, RunRecord


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
        """The records in order, each run once; reading stops where the file is no longer good."""
        seen: set[str] = set()
        with self.path.open("rb") as file:
            file.seek(self.end)
            for number, line in enumerate(file, 2):
                try:
                    if not line.endswith(b"\n"):
                        raise ValueError("cut off")
                    record = RunRecord.from_json(line.decode())
                except (ValueError, KeyError, TypeError, AttributeError):
                    what = "is cut off" if not line.endswith(b"\n") else "is not a run of this version"
                    self.remarks.append(
                        f"line {number} of {self.path} {what}: what comes before it is good and is used"
                    )
                    return
                self.end += len(line)
                if record.run.key not in seen:
                    seen.add(record.run.key)
                    yield record


class Writer:
    """Appends to a results file that is locked meanwhile: two sweeps do not write one file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, record: RunRecord) -> None:
        """Write one line, and hand it to the operating system at once."""
        self._file.write(record.to_json().encode() + b"\n")
        self._file.flush()


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
    with os.fdopen(descriptor, "r+b") as file:
        _lock(file, path)
        remarks: list[str] = []
        if _torn_header(path):
            file.truncate(0)
        if path.stat().st_size == 0:
            file.write(header.to_json().encode() + b"\n")
            file.flush()
        else:
            found = Results.open(path)
            _require_same(path, found.header, header)
            for record in found.records():
                see(record)
            remarks = found.remarks
            file.truncate(found.end)
        file.seek(0, os.SEEK_END)
        yield Writer(file), remarks


def _torn_header(path: Path) -> bool:
    """Whether a sweep was killed while it wrote its first line."""
    with path.open("rb") as file:
        first = file.readline()
    return not first.endswith(b"\n") and first.startswith(b'{"sweep"')


def _require_same(path: Path, there: Header, asked: Header) -> None:
    if different := there.differences(asked):
        came = f"{path} with {'; '.join(different)}"
        raise ResultsError(sentence("a results file of this same sweep", came, "give another --out"))


def _lock(file: BinaryIO, path: Path) -> None:
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

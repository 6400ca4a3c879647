"""Around a subject's code: what it changes is put back, what it leaves behind is told, and it ends in time.

**Put back**: torch's generator, its default dtype, default device, number of threads and whether gradients are
recorded; prints are swallowed.

**Told** (:class:`~cfg_equiv.testing.failure.SubjectError`): threads that are still there when an example is over and a
short wait, except the workers of a pool; and memory that one example adds and keeps, beyond :data:`MEMORY`.

**Not done here**: memory that is used while an example runs. A limit on the address space would stop the whole process,
the tests beside this one included; whoever runs subjects in processes of their own sets one there.
"""

import contextlib
import io
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import torch

from cfg_equiv.testing.failure import SubjectError, TimeLimitError

LIMIT = 30.0  # seconds one example may take before the subject counts as hanging
WAIT = 0.25  # seconds a thread is given to end after its example
MEMORY = 2**30  # bytes one example may add and keep: tensors of an example have a few hundred elements


@contextlib.contextmanager
def guarded(limit: float = LIMIT) -> Iterator[None]:
    """Put back what the body changes of torch, swallow its prints, limit its time, tell what it leaves behind.

    And one thread: the tensors are tiny, and threads that wait for each other cost three times the time.
    """
    before, memory = set(threading.enumerate()), _resident()
    with _torch_restored(), contextlib.redirect_stdout(io.StringIO()), time_limit(limit):
        yield
    _require_no_threads(before)
    _require_memory(memory)


@contextlib.contextmanager
def _torch_restored() -> Iterator[None]:
    dtype, threads, grad = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    device = torch.get_default_device()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)
            torch.set_grad_enabled(grad)
            if torch.get_default_device() != device:
                torch.set_default_device(device)


def _require_no_threads(before: set[threading.Thread]) -> None:
    """Every thread that was started has ended: one that goes on may write into a later example."""

    def left() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t not in before and t.is_alive() and not _pooled(t)]

    stop = time.monotonic() + WAIT
    while left() and time.monotonic() < stop:
        time.sleep(WAIT / 50)
    if found := left():
        names = ", ".join(sorted(t.name for t in found))
        raise SubjectError(
            f"expected no thread to be left behind, got {len(found)} ({names}): join them before returning"
        )


def _pooled(thread: threading.Thread) -> bool:
    """A worker of a pool, which waits for work and does nothing."""
    return thread.name.startswith("ThreadPoolExecutor") or thread.name.startswith("tqdm")


def _require_memory(before: int) -> None:
    added = _resident() - before
    if added > MEMORY:
        raise SubjectError(
            f"expected an example to give its memory back, got {added / 2**30:.1f} GiB more than before: "
            "do not keep the latents of earlier runs"
        )


def _resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    if not sys.platform.startswith("linux"):
        return 0
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimitError` after so many seconds; only in the main thread of a POSIX process can it."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def expire(number: int, frame: FrameType | None) -> None:
        raise TimeLimitError(f"expected one example to end within {seconds:g} s: the subject hangs, or is too slow")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

"""Shadow memory: for every storage the code writes to, one float64 error per element, at the same offset.

A view is then a view of the shadow, and an in-place write to either is seen through both. Storages without a shadow
hold exact numbers. The entries do not keep tensors alive.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef


@dataclass
class _Entry:
    ref: StorageWeakRef  # held so that the address is not reused while the entry lives
    itemsize: int
    errors: Tensor


class Shadow:
    """The errors of all tracked storages."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._sweep_at = 256

    def read(self, t: Tensor) -> Tensor | None:
        """The errors of a tensor, as a view of the shadow; ``None`` where nothing was ever written."""
        entry = self._entries.get(t.untyped_storage()._cdata)
        if entry is None:
            return None
        if entry.itemsize != t.element_size():  # reinterpreted bytes: exact, or nothing is known
            known = not bool(entry.errors.any())
            return torch.full(t.shape, 0.0 if known else torch.inf, dtype=torch.float64, device=t.device)
        return self._view(entry, t)

    def write(self, t: Tensor, errors: Tensor | float) -> None:
        """Set the errors of a tensor's elements."""
        storage = t.untyped_storage()
        entry = self._entries.get(storage._cdata)
        size = storage.nbytes() // t.element_size()
        if entry is None or entry.itemsize != t.element_size():
            errors_of = torch.zeros(size, dtype=torch.float64, device=t.device)
            entry = self._entries[storage._cdata] = _Entry(_weak(storage), t.element_size(), errors_of)
            self._sweep()
        elif entry.errors.numel() < size:  # the storage grew
            entry.errors = torch.cat([entry.errors, entry.errors.new_zeros(size - entry.errors.numel())])
        view = self._view(entry, t)
        if isinstance(errors, Tensor):
            view.copy_(errors.expand(t.shape))
        else:
            view.fill_(errors)

    def _view(self, entry: _Entry, t: Tensor) -> Tensor:
        return entry.errors.as_strided(t.size(), t.stride(), t.storage_offset())

    def _sweep(self) -> None:
        if len(self._entries) < self._sweep_at:
            return
        self._entries = {key: entry for key, entry in self._entries.items() if not _expired(entry.ref)}
        self._sweep_at = max(256, 2 * len(self._entries))


def _weak(storage: torch.UntypedStorage) -> StorageWeakRef:
    return StorageWeakRef(storage)  # type: ignore[no-untyped-call]


def _expired(ref: StorageWeakRef) -> bool:
    return bool(ref.expired())  # type: ignore[no-untyped-call]

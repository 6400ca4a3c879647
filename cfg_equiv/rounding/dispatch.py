r"""The running error bound of torch code that we did not write.

:class:`BoundMode` sees every operator below autograd, runs it unchanged, and keeps beside each result a float64 bound
of its distance to the exact real result of the same operations on the exact inputs. Outputs are bit-identical. Tensors
that the mode has not seen are exact inputs, and so is what ``torch.tensor`` stored.

An operator without a rule is counted in :attr:`BoundMode.unknown` and its results have an infinite error; the same
counter records where an inexact value leaves torch (``.item()``, a branch). A caller that finds the counter non-empty
turns to the calibrated rerun (:mod:`.rerun`). What bypasses the dispatcher (``.numpy()``) is not seen.

References
----------
[Higham02] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error analysis).
[NS07] Nethercote, Seward, How to Shadow Every Byte of Memory Used by a Program, doi:10.1145/1254810.1254820.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from cfg_equiv.rounding.constants import FORMATS, Format, format_of, self_check
from cfg_equiv.rounding.propagate import INF, Num, finish, scalar
from cfg_equiv.rounding.rules import RULES, Unknown
from cfg_equiv.rounding.shadow import Shadow


class Call:
    """One operator call: its arguments by name, the operands as :class:`Num`, and later its result."""

    def __init__(self, mode: "BoundMode", func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.mode, self.func = mode, func
        self.name: str = func.overloadpacket.__name__
        declared = func._schema.arguments
        self.given = {a.name: a.default_value for a in declared if a.has_default_value()}
        self.given |= {a.name: value for a, value in zip(declared, args, strict=False)}
        self.given |= kwargs
        self.written = [
            t for a in declared if a.alias_info and a.alias_info.is_write for t in _tensors(self.given.get(a.name))
        ]
        self.inputs = list(_tensors(self.given.values()))
        # taken before the call: an in-place operator overwrites its operands
        copy = bool(self.written)
        self.exact = all(not self._inexact(t) for t in self.inputs)
        self._before = {id(t): self._snapshot(t, copy) for t in self.inputs}
        self.result: Any = None

    def _inexact(self, t: Tensor) -> bool:
        errors = self.mode._shadow.read(t)
        return errors is not None and bool((errors != 0).any())

    def _snapshot(self, t: Tensor, copy: bool) -> Num:
        errors = self.mode._shadow.read(t)
        if errors is None:
            errors = torch.zeros((), dtype=torch.float64, device=t.device)
        x = t.detach().to(torch.float64, copy=copy)
        return Num(x, errors.clone() if copy else errors)

    def raw(self, t: Tensor) -> Num:
        """A tensor's value and error before the call, without any conversion."""
        return self._before[id(t)]

    def errors(self, t: Tensor) -> Tensor:
        """A tensor's error before the call, in its shape."""
        return self._before[id(t)].e.expand(t.shape)

    @property
    def out(self) -> Tensor:
        """The (first) result."""
        result: Tensor = self.result[0] if isinstance(self.result, (tuple, list)) else self.result
        return result

    @property
    def v(self) -> Tensor:
        """The (first) result in float64."""
        return self.out.detach().double()

    @property
    def format(self) -> Format | None:
        """The format the kernel computes in: the promoted dtype of the operands; ``None`` for integers."""
        dtype = self.out.dtype
        if self.written and len(self.inputs) > 1:
            dtype = torch.result_type(self.inputs[0], self.inputs[1])
        return format_of(dtype) if dtype.is_floating_point else None

    @property
    def out_format(self) -> Format | None:
        """The format of the result; ``None`` for integers."""
        return format_of(self.out.dtype) if self.out.dtype.is_floating_point else None

    def num(self, name: str, op_math: bool = False) -> Num:
        """An argument as the kernel uses it: its conversion to the computing format is part of the error.

        Python scalars are converted to that format too; products and quotients keep them in ``op_math``.
        """
        value = self.given[name]
        f = self.format
        if isinstance(value, Tensor):
            n = self.raw(value)
            if f is None or str(value.dtype) == f"torch.{f.name}":
                return n
            converted = n.x.to(getattr(torch, f.name)).double()
            return Num(n.x, n.e + torch.where(converted == n.x, 0.0, (converted - n.x).abs()))
        if isinstance(value, (bool, int, float)):
            return scalar(value, FORMATS["float64"] if f is None else f.op_math if op_math else f, self.out)
        raise Unknown


class BoundMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """``with BoundMode() as mode: out = code(x)``, then ``mode.error(out)``; see the module's docstring."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self_check()
        self._shadow = Shadow()
        #: operators without a rule, and how often each was met
        self.unknown: Counter[str] = Counter()

    def error(self, out: Tensor) -> Tensor:
        """The float64 bound of each element of ``out``; zero for tensors the mode has not seen."""
        with torch.utils._python_dispatch._disable_current_modes():
            errors = self._shadow.read(out)
            return torch.zeros(out.shape, dtype=torch.float64, device=out.device) if errors is None else errors.clone()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operator and bound its result."""
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if _rule_name(name) not in RULES:
            with self:  # operators made of others arrive whole in inference mode
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        with torch.no_grad():
            call = Call(self, func, args, kwargs)
            call.result = func(*args, **kwargs)
            self._bound(call)
        return call.result

    def _bound(self, call: Call) -> None:
        outputs = list(_tensors(call.result))
        rule = RULES.get(_rule_name(call.name))
        if rule is not None:
            try:
                errors = rule(call)
            except Unknown:
                errors = None
            if errors is not None:
                for t, e in zip(outputs, errors if isinstance(errors, tuple) else (errors,), strict=True):
                    self._store(t, e)
                return
        elif not call.written and self._only_views(call, outputs):
            return
        self._without_rule(call, outputs)

    def _only_views(self, call: Call, outputs: list[Tensor]) -> bool:
        """Whether every result lives in an operand's memory and keeps its dtype: the shadow already has it."""
        known = {(t.untyped_storage()._cdata, t.dtype) for t in call.inputs}
        return bool(outputs) and all((t.untyped_storage()._cdata, t.dtype) in known for t in outputs)

    def _without_rule(self, call: Call, outputs: list[Tensor]) -> None:
        rounds = any(t.dtype.is_floating_point or t.dtype.is_complex for t in [*outputs, *call.written])
        if call.exact and not rounds:  # an index, a truth value or a Python number from exact operands
            return
        self.unknown[str(call.func)] += 1
        for t in [*outputs, *call.written]:
            self._shadow.write(t, INF)

    def _store(self, t: Tensor, errors: Tensor | float) -> None:
        if isinstance(errors, Tensor):
            errors = finish(errors.to(torch.float64).expand(t.shape), t.detach().double())
        elif errors == 0 and self._shadow.read(t) is None and bool(t.isfinite().all()):
            return
        self._shadow.write(t, errors if isinstance(errors, Tensor) else torch.where(t.isfinite(), errors, INF))


def _rule_name(name: str) -> str:
    return name if name.startswith("__") else name.rstrip("_")


def _tensors(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        yield from _tensors(tree.values())
    elif isinstance(tree, Iterable) and not isinstance(tree, (str, bytes)):
        for item in tree:
            yield from _tensors(item)

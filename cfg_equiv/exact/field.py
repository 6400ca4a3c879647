r"""A rational function field in which the shipped formulas run unchanged, and where equality is decided.

Equality of two elements of :math:`\mathbb{Q}(g_1, \dots, g_n)` is a zero test of one numerator: no heuristics, no
``simplify``. Three things the plain field lacks are adjoined when a formula asks for them:

- ``sqrt``: reduce, factor, take even powers out with their declared sign, and adjoin one root :math:`R_f` with
  :math:`R_f^2 = f` for each remaining irreducible factor. Distinct irreducible factors give independent roots, so the
  reduced form is canonical and the zero test stays a decision.
- ``log``: factor the argument; a logarithm is a formal sum :math:`\sum_i c_i \log f_i`, one generator per irreducible
  factor when its value is needed. ``expm1`` of it is a power product minus one: :math:`e^{\lambda_t - \lambda_s}` never
  becomes transcendental. An exponent that is not an integer (``eta``) gets one positive generator per factor.
- every divisor met is recorded, because cancellation hides it; :meth:`Field.uncovered` says which of them the declared
  side conditions do not cover.

References
----------
SymPy, ``sympy.polys.fields``; Bronstein, Symbolic Integration I, chapter 5 (logarithms of independent factors).
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from sympy import factorint
from sympy.polys.domains import ZZ
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex

from cfg_equiv.exact.element import ExactError, PoleError, Sym
from cfg_equiv.exact.logarithm import Log


class Field:
    """Generators by name, plus a pool for roots and one for logarithms and powers.

    ``positive`` and ``nonzero`` are declared with :meth:`declare_positive` and :meth:`declare_nonzero`;
    ``relations`` (polynomials that vanish, such as the VP circle) with :meth:`declare_zero`.
    """

    def __init__(self, names: Sequence[str], roots: int = 10, auxiliary: int = 8) -> None:
        symbols = [f"R{i}" for i in range(roots)] + [f"L{i}" for i in range(auxiliary)] + list(names)
        # Roots come first in the monomial order, so that R^2 is the leading monomial of R^2 - f.
        self._field = FracField(symbols, ZZ, lex)
        self._ring = self._field.ring
        self._free_roots = list(self._field.gens[:roots])
        self._free_auxiliary = list(self._field.gens[roots : roots + auxiliary])
        self.gens = {
            name: Sym(self, gen) for name, gen in zip(names, self._field.gens[roots + auxiliary :], strict=True)
        }
        self._roots: dict[Any, Any] = {}  # irreducible f -> root generator (a field element)
        self._auxiliary: dict[Any, Any] = {}
        self._relations: list[Any] = []
        self._positive: set[Any] = set()
        self._nonzero: set[Any] = set()
        self.divisors: set[Any] = set()

    def element(self, value: Any) -> "Sym":
        """An int, Fraction or element of this field as an element of this field."""
        if isinstance(value, Sym):
            return value
        if isinstance(value, int):
            return Sym(self, self._field(value))
        if isinstance(value, Fraction):
            return Sym(self, self._field(value.numerator) / self._field(value.denominator))
        raise TypeError(f"expected an int, a Fraction or a field element, got {type(value).__name__}: {value!r}")

    def _poly(self, value: Any) -> "Sym":
        return Sym(self, self._field.raw_new(value, self._ring.one))

    def _basis(self) -> list[Any]:
        return [root.numer**2 - f for f, root in self._roots.items()] + self._relations

    def reduce(self, poly: Any) -> Any:
        """The remainder of a polynomial by the root relations and the declared ones (a Groebner basis)."""
        basis = self._basis()
        return poly.rem(basis) if basis else poly

    def is_zero(self, value: Any) -> bool:
        """Whether an element is zero; a denominator that is zero under the relations is refused, it proves anything."""
        v = self.element(value).v
        if not self.reduce(v.denom):
            raise ExactError("the denominator vanishes under the declared relations: the statement is vacuous")
        return not self.reduce(v.numer)

    def factors(self, poly: Any) -> list[Any]:
        """The irreducible factors of positive degree, primitive, with a positive leading coefficient."""
        return [factor for factor, _ in poly.factor_list()[1]]

    def sign(self, factor: Any) -> int:
        """+1 or -1 where the declared signs decide it, else 0."""
        if factor in self._positive:
            return 1
        if -factor in self._positive:
            return -1
        if all(self._monomial_is_positive(monomial) for monomial in factor):
            signs = {1 if coefficient > 0 else -1 for coefficient in factor.values()}
            if len(signs) == 1:
                return int(signs.pop())
        return 0

    def _monomial_is_positive(self, monomial: tuple[int, ...]) -> bool:
        return all(k % 2 == 0 or gen in self._positive for k, gen in zip(monomial, self._ring.gens, strict=True))

    def declare_positive(self, value: Any) -> None:
        """Declare an element positive; all but one of its factors must have a known sign already."""
        v = self.element(value).v
        sign, unknown = self._signs(v)
        if len(unknown) > 1 or (not unknown and sign < 0):
            raise ExactError(f"cannot declare {v} > 0: the signs of {unknown or 'all factors'} do not determine it")
        if unknown:
            self._positive.add(unknown[0] if sign > 0 else -unknown[0])

    def sign_of(self, value: Any) -> int | None:
        """The sign of an element where the declared signs decide it (0 for zero), else None."""
        if self.is_zero(value):
            return 0
        sign, unknown = self._signs(self.element(value).v)
        return None if unknown else sign

    def _signs(self, v: Any) -> tuple[int, list[Any]]:
        """The sign of the factors that are known, and the factors of odd power whose sign is not."""
        coefficient, pairs = (v.numer * v.denom).factor_list()
        sign, unknown = 1 if coefficient > 0 else -1, []
        for factor, power in pairs:
            known = self.sign(factor)
            if power % 2 and not known:
                unknown.append(factor)
            elif power % 2:
                sign *= known
        return sign, unknown

    def declare_nonzero(self, value: Any) -> None:
        """Declare an element different from zero; its denominator is a divisor already."""
        self._nonzero.update(self.factors(self.element(value).v.numer))

    def declare_zero(self, value: Any) -> None:
        """Add a relation, such as ``alpha**2 + sigma**2 - 1``. Leading monomials must be coprime to each other."""
        self._relations.append(self.element(value).v.numer)

    def uncovered(self) -> list[str]:
        """The irreducible divisors met so far which no declared condition keeps away from zero."""
        missing: set[str] = set()
        for divisor in self.divisors:
            for factor in self.factors(self._norm(self.reduce(divisor))):
                root = next((f for f, r in self._roots.items() if r.numer == factor), None)
                probe = factor if root is None else root
                if not self.sign(probe) and probe not in self._nonzero and -probe not in self._nonzero:
                    missing.add(str(probe))
        return sorted(missing)

    def _norm(self, poly: Any) -> Any:
        """The product of a polynomial's conjugates over the adjoined roots, as far as it is not a bare monomial."""
        for root in self._roots.values():
            index = self._ring.gens.index(root.numer)
            powers = {monomial[index] % 2 for monomial in poly}
            if powers == {0, 1}:
                poly = self.reduce(poly * self._conjugate(poly, index))
        return poly

    def _conjugate(self, poly: Any, index: int) -> Any:
        return self._ring.from_dict({m: -c if m[index] % 2 else c for m, c in poly.items()})

    def log(self, value: Any) -> "Log":
        """The logarithm of a positive element: a formal sum over its irreducible factors."""
        terms: dict[Any, Sym] = {}
        for factor, power in self._positive_factors(value, "log"):
            terms[factor] = self.element(power) + terms.get(factor, 0)
        return Log(self, {factor: c for factor, c in terms.items() if c.v})

    def _positive_factors(self, value: Any, function: str) -> list[tuple[Any, int]]:
        """The positive irreducible factors (primes included) of a positive root-free element, with their powers."""
        v = self._rationalised(self.element(value)).v
        sign, found = 1, []
        for poly, direction in ((v.numer, 1), (v.denom, -1)):
            coefficient, pairs = poly.factor_list()
            sign *= 1 if coefficient > 0 else -1
            primes = [(self._ring(prime), power) for prime, power in factorint(int(abs(coefficient))).items()]
            for factor, power in [*primes, *pairs]:
                known = self.sign(factor)
                if not known:
                    raise ExactError(f"{function}({v}) needs the sign of {factor}: declare it as a side condition")
                sign *= known if power % 2 else 1
                found.append((factor if known > 0 else -factor, direction * power))
        if sign < 0:
            raise ExactError(f"{function} of the negative element {v}")
        return found

    def expm1(self, value: "Log") -> Any:
        """``exp(value) - 1`` of a formal logarithm: a power product minus one."""
        product = self.element(1)
        for factor, coefficient in value.terms.items():
            if coefficient.v.denom != 1:
                raise ExactError(f"the exponent {coefficient.v} is not a polynomial with integer coefficients")
            for monomial, k in coefficient.v.numer.terms():
                product = product * self._power(factor, monomial) ** int(k)
        return product - 1

    def _power(self, factor: Any, monomial: tuple[int, ...]) -> "Sym":
        if not any(monomial):
            return self._poly(factor)
        return self._fresh((factor, monomial), positive=True)

    def log_value(self, factor: Any) -> "Sym":
        """The generator that stands for ``log(factor)``."""
        return self._fresh(factor, positive=False)

    def _fresh(self, key: Any, positive: bool) -> "Sym":
        if key not in self._auxiliary:
            if not self._free_auxiliary:
                raise ExactError("the pool of auxiliary generators is empty: construct the Field with a larger one")
            self._auxiliary[key] = self._free_auxiliary.pop(0)
            if positive:
                self._positive.add(self._auxiliary[key].numer)
        return Sym(self, self._auxiliary[key])

    def sqrt(self, value: Any) -> "Sym":
        """The positive square root of a positive element, over the field extended by the roots it needs."""
        result = self.element(1)
        for factor, power in self._positive_factors(value, "sqrt"):
            even, odd = divmod(power, 2)  # a factor of the denominator: f^-1 = f^(2*-1) * f, so sqrt is R_f / f
            result = result * self._poly(factor) ** even
            if odd:
                result = result * self._root(factor)
        return result

    def _root(self, f: Any) -> "Sym":
        if f not in self._roots:
            if not self._free_roots:
                raise ExactError("the pool of roots is empty: construct the Field with a larger one")
            self._roots[f] = self._free_roots.pop(0)
            self._positive.add(self._roots[f].numer)
        return Sym(self, self._roots[f])

    def _rationalised(self, value: "Sym") -> "Sym":
        """The element without roots, for an argument of ``sqrt`` or ``log``; nested roots are refused."""
        numer, denom = self.reduce(value.v.numer), self.reduce(value.v.denom)
        for root in self._roots.values():
            index = self._ring.gens.index(root.numer)
            if any(monomial[index] for monomial in denom):
                conjugate = self._conjugate(denom, index)
                numer, denom = self.reduce(numer * conjugate), self.reduce(denom * conjugate)
        if any(monomial[i] for monomial in numer for i in self._root_indices()):
            raise ExactError(f"a root inside a root or a logarithm: {value.v}")
        return Sym(self, self._field(numer) / self._field(denom))

    def _root_indices(self) -> Iterable[int]:
        return [self._ring.gens.index(root.numer) for root in self._roots.values()]

    def derivative(self, value: Any, gen: "Sym") -> "Sym":
        """The partial derivative by a generator; the element must be free of roots that depend on it."""
        return Sym(self, self.element(value).v.diff(gen.v))

    def limit_at_zero(self, value: Any, gen: "Sym") -> Any:
        """The limit as ``gen`` goes to 0 from above, roots and its logarithm included. A pole raises PoleError."""
        v = self.element(value).v
        numer, denom = self.reduce(v.numer), self.reduce(v.denom)
        if gen.v.numer in self._auxiliary:
            return self._limit_with_log(numer, denom, gen)
        numer, denom = (self._substitute_zero(poly, gen) for poly in (numer, denom))
        if self.is_zero(denom):
            raise PoleError(f"no limit: the denominator of {v} vanishes at {gen.v} = 0")
        return numer / denom

    def _limit_with_log(self, numer: Any, denom: Any, gen: "Sym") -> "Sym":
        """Powers of ``gen`` outweigh those of its logarithm: the lowest power, and in it the highest of the log."""
        small, large = (self._ring.gens.index(x.numer) for x in (gen.v, self._auxiliary[gen.v.numer]))

        def leading(poly: Any) -> tuple[tuple[int, int], Any]:
            weight = min((m[small], -m[large]) for m in poly)
            kept = {m: c for m, c in poly.items() if (m[small], -m[large]) == weight}
            bare = {tuple(0 if i in (small, large) else k for i, k in enumerate(m)): c for m, c in kept.items()}
            return weight, self._ring.from_dict(bare)

        if not numer:
            return self.element(0)
        (top, above), (bottom, below) = leading(numer), leading(denom)
        if top < bottom:
            raise PoleError(f"no limit: ({numer})/({denom}) grows without bound as {gen.v} goes to 0")
        return Sym(self, self._field(above) / self._field(below)) if top == bottom else self.element(0)

    def _substitute_zero(self, poly: Any, gen: "Sym") -> Any:
        total = self.element(0)
        zero = poly.evaluate(gen.v.numer, 0).set_ring(self._ring) if poly else poly
        roots = [(self._ring.gens.index(root.numer), f) for f, root in list(self._roots.items())]
        for monomial, coefficient in zero.terms():
            rest = list(monomial)
            term = self.element(1)
            for index, f in roots:
                if rest[index]:
                    at_zero = f.evaluate(gen.v.numer, 0).set_ring(self._ring)
                    term = term * self.sqrt(self._poly(at_zero)) ** rest[index]
                    rest[index] = 0
            total = total + term * self._poly(self._ring.from_dict({tuple(rest): coefficient}))
        return total

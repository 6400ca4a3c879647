import sympy as sp

from cfg_equiv.algebra.guidance.cfg import cfg, cfg_ho_salimans
from cfg_equiv.algebra.points import Point
from cfg_equiv.algebra.stepping import to_space
from cfg_equiv.report.latex import expression, formula

c, u, w, z, v, alpha, sigma = sp.symbols(r"c u w z v \alpha \sigma")


def test_a_formula_is_printed_as_its_source_writes_it():
    assert str(formula("g", lambda: cfg(c, u, w))) == r"g = u + w \left(c - u\right)"
    assert str(formula("g", lambda: cfg_ho_salimans(c, u, w))) == r"g = \left(1 + w\right) c - w u"


def test_zeros_and_ones_cancel_on_request_but_nothing_is_expanded():
    at = Point(alpha, sigma)
    written = formula("x", lambda: to_space(sp, z, v, at, "v", "x0"))
    tidy = formula("x", lambda: to_space(sp, z, v, at, "v", "x0"), as_written=False)
    assert " 0" in str(written)
    assert str(tidy) == r"x = \frac{\alpha z - \sigma v}{\alpha^{2} + \sigma^{2}}"
    assert str(formula("g", lambda: cfg(c, u, w), as_written=False)) == r"g = u + w \left(c - u\right)"


def test_another_formula_prints_another_text():
    assert str(formula("g", lambda: cfg(c, u, w))) != str(formula("g", lambda: cfg(u, c, w)))


def test_evaluation_is_back_on_after_a_formula():
    formula("g", lambda: cfg(c, u, w))
    assert c + c == 2 * c


def test_lines_are_aligned_and_one_line_is_not():
    both = expression("a", c + 0) + expression("b", 3)
    assert both._repr_latex_() == r"$$ \begin{aligned} a &= c \\ b &= 3 \end{aligned} $$"
    assert expression("", c)._repr_latex_() == "$$ c $$"
    assert repr(both) == str(both)

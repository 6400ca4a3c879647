"""Records of an atlas of three solvers and four rules, as the JSON files hold them."""

from typing import Any

PAIRS = ("x0 eps", "x0 v", "eps v")


def contradiction(**more: Any) -> dict[str, Any]:
    return {
        "library": "a library",
        "version": "1.0",
        "symbol": "Uno(order=3)",
        "file": "library/uno.py",
        "line": 17,
        "says": "A third-order step.",
        "instead": "The order is 2.",
        "code": "print(2)",
        "prints": "2",
        **more,
    }


def solver(name: str, group: str, claim: int, orders: tuple[int, int, int], **more: Any) -> dict[str, Any]:
    grids = ("any_ratio", "uniform", "smooth_grid")
    return {
        "name": name,
        "aliases": {},
        "native": "eps",
        "claimed_order": claim,
        "proved_order": dict(zip(grids, orders, strict=True)),
        "class": group,
        "linear": True,
        "peers": [],
        "source": "a paper",
        "kind": "multistep",
        "evaluations": 1,
        "memory": 2,
        "state": "z",
        "path": "any",
        "clock": None,
        "at_sigma_0": "denoised",
        "leading_error": {grid: {"latex": "", "text": "-X''/12 * h^3"} for grid in grids},
        "errors": None,
        "contradicts": [],
        **more,
    }


def rule(name: str, letter: str, differ: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    example = {
        "alpha": "1/2",
        "sigma": "1/2",
        "w": "3",
        "z": ["0"],
        "cond": ["0"],
        "uncond": ["1"],
        "result": {"x0": ["1"], "eps": ["-2"]},
        "branches": {"cond": {"x0": ["0"], "seen": "here", "alpha": "1/2", "sigma": "1/2", "z": ["0"]}},
        "parameters": {"w": "3"},
        "mapped_back": True,
        "size": 3.0,
        "numbers": "rationals",
    }
    return {
        "name": name,
        "source": "a paper",
        "class": letter,
        "commutes": letter in "AB",
        "canonical_space": "any" if letter in "AB" else "x0",
        "counterexample": None if letter in "AB" else example,
        "libraries": [{"library": "ComfyUI", "does": "on x0"}],
        "pairs": {pair: {"same": pair not in differ, "size": 3.0 if pair in differ else None} for pair in PAIRS},
        "authors_space": "x0",
        "evidence": "field proof",
        "generators": {"translation": True, "scale": True, "sign": letter != "C"},
        "branches": {"cond": "here", "uncond": "here"},
        "answer": "prediction",
        "commuting_neighbour": "",
        "twin": {"change": "a change", "commutes": False},
        "code": "def rule(c, u, w):\n    return u + w * (c - u)",
        "contradicts": [],
        **more,
    }


def samplers() -> dict[str, Any]:
    agrees = {"configuration": "k-diffusion sample_one = one", "version": "1.0", "status": "agrees", "detail": "fine"}
    errors = {"evaluations": [4, 8], "rms": [0.1, 0.01], "path": "vp"}
    return {
        "samplers": [
            solver("one", "one", 2, (2, 2, 2), aliases={"comfyui": "uno", "k_diffusion": "sample_one"}, peers=[agrees]),
            solver("two", "one", 2, (2, 2, 2), errors=errors),
            solver("three", "three", 3, (1, 2, 2), kind="CFG++"),
        ],
        "classes": [["one", "two"], ["three"]],
        "near_misses": [
            {"first": "one", "second": "three", "why": ["one shape"], "power": 3, "latex": "", "leading": "X'/4 * h^3"}
        ],
        "absent": [{"name": "four", "reason": "no source was found"}],
    }


def guidance() -> dict[str, Any]:
    return {
        "guidance": [
            rule("plain", "A"),
            rule("projected", "B"),
            rule("signed", "C", ("x0 eps", "x0 v")),
            rule("clipped", "D", PAIRS),
        ],
        "absent": [],
    }

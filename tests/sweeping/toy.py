"""A library with options, for the sweep: right, but for one planted fault, and as hostile as it is told to be."""

import os
import threading
import time

import torch

from cfg_equiv.errors import ParameterError
from cfg_equiv.sweeping.product import Product
from cfg_equiv.testing import Guidance, from_step

HOSTILE = ("exit", "hang", "memory", "thread", "dtype", "device")


def _combine(mode, sign):
    def combine(c, u, w):
        if mode == "exit":
            os._exit(3)
        if mode == "hang":
            import signal

            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            time.sleep(60)
        if mode == "memory":
            bytearray(3 * 2**30)
        if mode == "thread":
            threading.Thread(target=time.sleep, args=(60,), name="left-behind").start()
        if mode == "dtype":
            torch.set_default_dtype(torch.float16)
        if mode == "device":
            torch.set_default_device("meta")
        if mode == "slow":
            time.sleep(0.1)
        return u + w * (c - sign * u)

    return combine


def _guidance(options):
    if options["mode"] == "good" and options["size"] == 3 and options["flip"]:
        raise ValueError("no size 3 <b>with</b> flip")
    wrong = options["flip"] and options["mode"] == "bug"
    return Guidance(_combine(options["mode"], -1 if wrong else 1), "u+w(c-u)", name="toy", version="1.0")


def _refused(options):
    try:
        _guidance(options)
    except ValueError as error:
        return str(error)
    return ""


def _written(options):
    return f"toy.guide(mode={options['mode']!r}, flip={options['flip']!r})"


product = Product(_guidance, {"mode": ("good", "bug"), "flip": (False, True), "size": (1, 2, 3)}, _refused, _written)
hostile = Product(_guidance, {"mode": ("good", *HOSTILE), "flip": (False,), "size": (1,)}, _refused)
slow = Product(_guidance, {"mode": ("slow",), "flip": (False, True), "size": (1, 2)}, _refused)
subjects = [
    Guidance(_combine("good", 1), "u+w(c-u)", name="plain"),
    Guidance(_combine("good", 1), "u+w(c-u)", name="two"),
]
several = [Guidance(_combine("good", -1), "u+w(c-u)", name="wrong")]


def _euler(z, pred, s, t, space):
    x0 = (z - s.sigma * pred) / s.alpha if space == "eps" else pred
    eps = pred if space == "eps" else (z - s.alpha * pred) / s.sigma
    return t.alpha * x0 + (t.sigma if space == "eps" else 1.1 * t.sigma) * eps


def _levels(steps):
    return [(1.0, 2.0 - 2.0 * k / steps) for k in range(steps + 1)]


def _sampler(options):
    if options["broken"]:
        raise ParameterError("expected nothing, got all")
    return from_step(_euler, _levels, ("eps", "x0"), state="ve", name="toy_sampler")


sampler = Product(_sampler, {"broken": (False, True)})

"""What a hostile subject changes is put back, and what it leaves behind is told."""

import threading

import pytest
import torch

from cfg_equiv.testing import guard
from cfg_equiv.testing.failure import SubjectError
from cfg_equiv.testing.guard import guarded


def test_dtype_device_threads_gradients_and_the_generator_are_put_back():
    before = torch.random.get_rng_state()
    with guarded():
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(2)
        torch.set_grad_enabled(False)
        torch.manual_seed(7)
    assert torch.get_default_dtype() is torch.float32
    assert torch.get_default_device() == torch.device("cpu")
    assert torch.zeros(1).device.type == "cpu"
    assert torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_they_are_put_back_after_an_error_too():
    def hostile():
        torch.set_default_device("meta")
        raise KeyError

    with pytest.raises(KeyError), guarded():
        hostile()
    assert torch.zeros(1).device.type == "cpu"


def test_a_thread_left_behind_is_one_sentence():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="worker of mine", daemon=True)
    with (
        pytest.raises(SubjectError, match=r"expected no thread to be left behind, got 1 \(worker of mine\): join them"),
        guarded(),
    ):
        thread.start()
    stop.set()
    thread.join()


def test_a_thread_that_ends_in_time_and_one_from_before_are_no_matter():
    stop = threading.Event()
    older = threading.Thread(target=stop.wait, daemon=True)
    older.start()
    with guarded():
        threading.Timer(guard.WAIT / 10, lambda: None).start()
    stop.set()
    older.join()


def test_memory_that_is_kept_is_one_sentence(monkeypatch):
    sizes = iter((2**30, 4 * 2**30))
    monkeypatch.setattr(guard, "_resident", lambda: next(sizes))
    with (
        pytest.raises(SubjectError, match=r"expected an example to give its memory back, got 3.0 GiB more than"),
        guarded(),
    ):
        pass


def test_the_memory_of_this_process_is_read():
    assert guard._resident() > 2**20 or not guard.sys.platform.startswith("linux")

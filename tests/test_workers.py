"""Rows shared out among threads: the same bits, and nothing left behind."""

import contextvars
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for

import fastdiv
from fastdiv import _threads, _workers


@pytest.fixture
def small_blocks(monkeypatch):
    """Share out rows however few they are."""
    monkeypatch.setattr(_threads, "LEAST_BLOCK", 1)


def bits(array):
    return np.ascontiguousarray(array).view(np.uint8)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("classes", [7, 300])
@pytest.mark.parametrize("workers", [2, 3, 16])
def test_the_bits_are_those_of_one_thread(name, function, dtype, workers, classes):
    args = rows_for(name, 101, classes, dtype)
    expected = function(*args)
    np.testing.assert_array_equal(bits(function(*args, workers=workers)), bits(expected))
    with fastdiv.set_workers(workers):
        np.testing.assert_array_equal(bits(function(*args)), bits(expected))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_along_any_axes(name, function, axis):
    args = [np.moveaxis(a.reshape(6, 5, 9), 2, axis) for a in rows_for(name, 30, 9, np.float64)]
    some = [a[::-1, :, ::-1] for a in args]
    expected = function(*some, axis=axis)
    np.testing.assert_array_equal(function(*some, axis=axis, workers=4), expected)
    if len(args) == 2:
        one = [args[0], np.take(args[1], [2], axis=(axis + 1) % 3)]
        expected = function(*one, axis=axis)
        np.testing.assert_array_equal(function(*one, axis=axis, workers=4), expected)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_labels_and_reductions(reduction):
    (x,) = rows_for("logsumexp", 1001, 20, np.float32)
    y = np.arange(1001) % 20
    keywords = {"ignore_index": 3, "class_weight": np.arange(20) / 7, "reduction": reduction}
    expected = fastdiv.cross_entropy_from_logits(y, x, **keywords)
    got = fastdiv.cross_entropy_from_logits(y, x, **keywords, workers=3)
    np.testing.assert_array_equal(bits(got), bits(expected))


@pytest.mark.usefixtures("small_blocks")
def test_softmax_in_place():
    (x,) = rows_for("softmax", 1000, 33, np.float32)
    expected = fastdiv.softmax(x)
    got = fastdiv.softmax(x, out=x, workers=5)
    assert got is x
    np.testing.assert_array_equal(x, expected)


def test_large_arrays_are_shared_and_small_ones_are_not(monkeypatch):
    calls = []
    run = fastdiv._rows.kernels.run

    def counted(*args, **options):
        calls.append(threading.current_thread().name)
        run(*args, **options)

    monkeypatch.setattr(fastdiv._rows.kernels, "run", counted)
    fastdiv.entropy(np.ones((100, 100)), workers=2)
    assert len(calls) == 1
    calls.clear()
    fastdiv.entropy(np.ones((100, 2**15), np.float32), workers=2)
    assert len(calls) > 2


@pytest.mark.usefixtures("small_blocks")
def test_so_many_threads_work_at_once():
    # Every block waits until three are being computed.
    together = threading.Barrier(3)
    threads = set()

    def call(first, stop):
        if len(threads) < 3:
            threads.add(threading.get_ident())
            together.wait(timeout=30)

    _threads.over_rows(call, 12, 1, 3)
    assert len(threads) == 3
    assert threading.get_ident() in threads


@pytest.mark.usefixtures("small_blocks")
def test_every_row_is_taken_once():
    for rows, c, workers in ((1, 1, 2), (7, 3, 2), (1000, 2, 3), (64, 10**6, 5)):
        seen = np.zeros(rows, int)

        def call(first, stop, seen=seen):
            seen[first:stop] += 1

        _threads.over_rows(call, rows, c, workers)
        assert (seen == 1).all()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("by_helper", [False, True])
def test_an_error_ends_the_work_of_all(by_helper):
    caller = threading.get_ident()
    met, done = threading.Barrier(2), []

    def call(first, stop):
        if not done:
            met.wait(timeout=30)
        if (threading.get_ident() != caller) == by_helper:
            raise MemoryError("no room")
        done.append(first)

    with pytest.raises((MemoryError, threading.BrokenBarrierError)) as caught:
        _threads.over_rows(call, 1000, 1, 2)
    assert caught.type is MemoryError
    at_the_end = len(done)
    time.sleep(0.05)
    assert len(done) == at_the_end


def test_set_workers_holds_for_its_block_and_thread():
    assert fastdiv.get_workers() == 1
    with fastdiv.set_workers(3):
        with fastdiv.set_workers(2):
            assert fastdiv.get_workers() == 2
        assert fastdiv.get_workers() == 3
        others = []
        thread = threading.Thread(target=lambda: others.append(fastdiv.get_workers()))
        thread.start()
        thread.join()
        assert others == [1]
    assert fastdiv.get_workers() == 1
    with pytest.raises(KeyError), fastdiv.set_workers(2):
        raise KeyError
    assert fastdiv.get_workers() == 1


def test_set_workers_holds_from_then_on():
    def set_it():
        fastdiv.set_workers(2)
        assert fastdiv.get_workers() == 2
        with fastdiv.set_workers(3):
            assert fastdiv.get_workers() == 3
        assert fastdiv.get_workers() == 2

    contextvars.copy_context().run(set_it)
    assert fastdiv.get_workers() == 1


def test_negative_counts_go_from_every_processor_down():
    every = _workers.all_workers()
    assert _workers.count(-1) == every
    assert _workers.count(-every) == 1


@pytest.mark.parametrize(
    ("workers", "error", "message"),
    [
        (0, ValueError, "workers is 0; pass 1 or more, or -1 for every processor"),
        (-1000, ValueError, r"workers is -1000; there are \d+: from -\d+ \(one\) to -1"),
        (1.5, TypeError, "workers must be an integer"),
        ("2", TypeError, "workers must be an integer"),
    ],
)
def test_other_counts_are_refused(name, function, workers, error, message):
    args = rows_for(name, 3, 4, np.float64)
    out = np.full(args[0].shape if name in MAKERS else 3, 7.0)
    with pytest.raises(error, match=message):
        function(*args, out=out, workers=workers)
    assert (out == 7).all()
    with pytest.raises(error, match=message):
        fastdiv.set_workers(workers)


def run_python(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **variables},
        check=False,
    )


def test_the_environment_sets_the_default_and_what_every_processor_is():
    code = "import fastdiv; from fastdiv import _workers as w; print(w.get_workers(), w.count(-1))"
    assert run_python(code, FASTDIV_NUM_THREADS="3").stdout.split() == ["3", "3"]
    cpus = str(_workers.usable_cpus())
    assert run_python(code, FASTDIV_NUM_THREADS="").stdout.split() == ["1", cpus]
    for bad in ("0", "-1", "two", "1.5"):
        failed = run_python(code, FASTDIV_NUM_THREADS=bad)
        assert failed.returncode == 1
        assert f"FASTDIV_NUM_THREADS='{bad}': not a number of threads" in failed.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_is_respected():
    one = {min(os.sched_getaffinity(0))}
    code = f"import os, fastdiv._workers as w; os.sched_setaffinity(0, {one}); print(w.count(-1))"
    assert run_python(code, FASTDIV_NUM_THREADS="").stdout.split() == ["1"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, np.inf),
        ({"a/b": "max 100000"}, np.inf),
        ({"a/b": "150000 100000"}, 1.5),
        ({"a": "50000 100000", "a/b": "max 100000"}, 0.5),
        ({"a": "50000 100000", "a/b": "400000 100000"}, 0.5),
        ({"": "300000 100000"}, 3),
    ],
)
def test_quotas_of_control_groups(limits, expected, tmp_path):
    groups = tmp_path / "self"
    groups.write_text("1:cpu:/elsewhere\n0::/a/b\n")
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    for folder, limit in limits.items():
        (root / folder / "cpu.max").write_text(limit + "\n")
    assert _workers._cgroup_quota(groups, root) == expected
    assert _workers._cgroup_quota(tmp_path / "none", tmp_path / "nowhere") == np.inf


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    (x,) = rows_for("logsumexp", 500, 40, np.float32)
    expected = fastdiv.logsumexp(x, workers=3)
    child = os.fork()
    if child == 0:
        same = np.array_equal(fastdiv.logsumexp(x, workers=3), expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(fastdiv.logsumexp(x, workers=3), expected)


def test_a_call_while_the_interpreter_ends():
    code = """
import atexit, numpy as np, fastdiv
x = np.ones((100, 2**15))
atexit.register(lambda: print(fastdiv.entropy(x, workers=3).sum() > 0))
fastdiv.entropy(x, workers=3)
"""
    ended = run_python(code)
    assert (ended.stdout.strip(), ended.stderr) == ("True", "")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer here")
def test_ctrl_c_ends_a_call_of_several_threads():
    # Rows of minutes' work in all; the helpers are told, and end with their block.
    code = """
import numpy as np, signal, time, threading, fastdiv
signal.setitimer(signal.ITIMER_REAL, 0.3)
signal.signal(signal.SIGALRM, signal.default_int_handler)
x = np.broadcast_to(np.float32(1), (10**6, 10**6))
begin = time.monotonic()
try:
    fastdiv.entropy_from_logits(x, workers=2)
except KeyboardInterrupt:
    print(time.monotonic() - begin < 10)
"""
    assert run_python(code).stdout.strip() == "True"


def test_every_function_takes_workers(name, function):
    assert set(SIGNATURES) <= set(fastdiv.__all__)
    assert "workers : int, optional" in function.__doc__

"""The kernels release the GIL and share nothing."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cases import rows_for

import fastdiv


def test_the_gil_is_released():
    # One row of 2^28 classes (a stride-0 view): one call into the kernel, far longer than the
    # interpreter's switch interval. With the GIL held no other thread could run before it ends.
    x = np.broadcast_to(np.float32(1), (2**28,))
    began, ended = threading.Event(), threading.Event()

    def work():
        began.set()
        fastdiv.logsumexp(x)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    turns = 0
    while not ended.is_set():
        time.sleep(0.001)
        turns += 1
    thread.join()
    # A thread that could not run would see the end at its first turn, or its second.
    assert turns > 10


def test_two_calls_overlap():
    # Each is inside its kernel call when the other begins its own.
    x = np.broadcast_to(np.float32(1), (2**28,))
    spans = {}
    together = threading.Barrier(2)

    def work(key):
        together.wait()
        begin = time.monotonic()
        fastdiv.logsumexp(x)
        spans[key] = begin, time.monotonic()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (begin_0, end_0), (begin_1, end_1) = spans[0], spans[1]
    assert max(begin_0, begin_1) < min(end_0, end_1)


def test_threads_give_the_same_bits(name, function, dtype):
    args = rows_for(name, 200, 300, dtype)
    expected = function(*args)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: function(*args), range(32)):
            np.testing.assert_array_equal(got, expected)


def test_labels_on_threads():
    (x,) = rows_for("logsumexp", 200, 300, np.float32)
    y = np.arange(200)
    expected = fastdiv.cross_entropy_from_logits(y, x)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(fastdiv.cross_entropy_from_logits, y, x) for _ in range(32)]
    assert all(np.array_equal(job.result(), expected) for job in jobs)


def test_labels_that_change_meanwhile_are_no_wild_reads():
    # What comes of them is anybody's; the process goes on.
    y = np.zeros(60_000, np.int64)
    x = np.zeros((60_000, 20), np.float32)
    done = threading.Event()

    def change():
        while not done.is_set():
            y[-1] = 10**13
            time.sleep(0.0005)
            y[-1] = 0
            time.sleep(0.0005)

    thread = threading.Thread(target=change)
    thread.start()
    made = []
    end = time.monotonic() + 2
    while time.monotonic() < end:
        with contextlib.suppress(IndexError):
            made.append(fastdiv.cross_entropy_from_logits(y, x)[0])
    done.set()
    thread.join()
    assert made
    np.testing.assert_array_equal(made, np.float32(np.log(20)))

"""What surrounds a call: the floating-point environment, interrupts, threads, forked children."""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cases import rows_for

import fastdiv

LINUX_X86 = sys.platform == "linux" and platform.machine() == "x86_64"
# MXCSR: rounding down, up and toward 0; flush to zero and denormals are zero.
MODES = {"down": 0x2000, "up": 0x4000, "toward 0": 0x6000, "flush": 0x8040}


@pytest.fixture
def mxcsr():
    """Return a function that sets bits of the SSE control register; undone at the end."""
    libc = ctypes.CDLL(None)
    saved = ctypes.create_string_buffer(64)
    libc.fegetenv(saved)

    def control(bits=None):
        env = ctypes.create_string_buffer(64)
        libc.fegetenv(env)
        word = int.from_bytes(env.raw[28:32], "little")
        if bits is not None:
            env[28:32] = ((word & ~0xE040) | bits).to_bytes(4, "little")
            libc.fesetenv(env)
        return word & 0xE040

    yield control
    libc.fesetenv(saved)


@pytest.mark.skipif(not LINUX_X86, reason="sets a register of x86-64 through glibc")
@pytest.mark.parametrize("mode", MODES)
def test_bits_do_not_hang_on_the_floating_point_environment(name, function, dtype, mode, mxcsr):
    args = rows_for(name, 20, 100, dtype)
    if "logits" not in name and name not in ("logsumexp", "softmax", "log_softmax"):
        args = tuple(a * dtype(2.0 ** (-1070 if dtype == np.float64 else -145)) for a in args)
    expected = function(*args)
    mxcsr(MODES[mode])
    got = function(*args)
    left = mxcsr()
    mxcsr(0)
    assert left == MODES[mode]
    np.testing.assert_array_equal(got, expected)


def test_sources_that_were_not_compiled_say_so(tmp_path):
    # What Python finds first in a checkout of which a wheel is installed.
    for file in Path(fastdiv.__file__).parent.rglob("*.py"):
        to = tmp_path / "fastdiv" / file.relative_to(Path(fastdiv.__file__).parent)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)
    command = [sys.executable, "-c", "import fastdiv"]
    got = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert got.returncode == 1
    last = got.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path / 'fastdiv' / 'kernels'} holds sources without")
    assert last.endswith("pip install -e .")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_long_call_is_interrupted():
    code = """if True:
        import signal, numpy as np, fastdiv
        signal.signal(signal.SIGINT, signal.default_int_handler)
        x = np.broadcast_to(np.float32(1), (2**26, 2**12))
        print("ready", flush=True)
        fastdiv.logsumexp(x)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    # The call alone would take a minute.
    _, error = child.communicate(timeout=20)
    assert error.rstrip().endswith("KeyboardInterrupt")


def test_32_threads_on_shared_inputs(name, function, dtype):
    args = rows_for(name, 40, 70, dtype)
    expected = function(*args)
    got = [None] * 32
    together = threading.Barrier(32)

    def work(i):
        together.wait()
        for _ in range(10):
            got[i] = function(*args)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for made in got:
        np.testing.assert_array_equal(made, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_computes():
    p = np.float32([[0.2, 0.8], [0.5, 0.5]])
    expected = fastdiv.entropy(p)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(fastdiv.entropy(p), expected) else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0

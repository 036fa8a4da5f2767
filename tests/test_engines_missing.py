"""Engines that are not installed: fastdiv's modules are there, and a call says what to install."""

import subprocess
import sys

import pytest

CALLS = {
    "dask": "fastdiv.dask.score([0], [[0.0, 1.0]])",
    "distributed": "fastdiv.dask.run_on_dask('tcp://localhost:1', x, 'y')",
    "pyspark": "fastdiv.spark.score(None)",
    "pandas": "fastdiv.spark.score_rows(None)",
}


@pytest.mark.parametrize("module", CALLS)
def test_what_to_install_is_said(module, tmp_path):
    if module == "distributed":
        pytest.importorskip("dask")
    if module == "pandas":
        pytest.importorskip("pyspark")
    code = f"""
import sys
sys.modules[{module!r}] = None
import numpy as np
import fastdiv.dask, fastdiv.spark
assert not [m for m in sys.modules if m.partition(".")[0] in ("dask", "pyspark") and sys.modules[m]]
x = {str(tmp_path / "x.npz")!r}
np.savez(x, x=np.zeros((2, 3), np.float32), y=np.zeros(2, int))
try:
    {CALLS[module]}
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    extra = "spark" if module in ("pyspark", "pandas") else "dask"
    assert f"needs {module}" in done.stdout
    assert done.stdout.endswith(f"pip install 'fastdiv[{extra}]'\n")

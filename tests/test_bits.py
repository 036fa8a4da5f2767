"""The bits are the ones that were stored, from every instruction set.

A change of them is a line in the changelog, and ``python tests/bits.py > tests/bits.json``.
"""

import json
import os
import subprocess
import sys

import bits
import pytest

from fastdiv import _dispatch


@pytest.mark.parametrize("isa", _dispatch.runnable())
def test_bits_are_the_stored_ones(isa):
    done = subprocess.run(
        [sys.executable, bits.__file__],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"FASTDIV_ISA": isa},
    )
    stored, got = json.loads(bits.STORED.read_text()), json.loads(done.stdout)
    assert {name for name in got | stored if got.get(name) != stored.get(name)} == set()

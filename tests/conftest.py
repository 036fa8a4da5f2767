"""Every function, dtype and instruction set, as fixtures."""

from collections.abc import Callable
from typing import Any

import pytest
from cases import DTYPES, SIGNATURES

import fastdiv
from fastdiv import _dispatch


@pytest.fixture(params=SIGNATURES)
def name(request: pytest.FixtureRequest) -> str:
    """Every public function of rows."""
    return str(request.param)


@pytest.fixture
def function(name: str) -> Callable[..., Any]:
    return getattr(fastdiv, name)


@pytest.fixture(params=DTYPES, ids=lambda t: t.__name__)
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=_dispatch.runnable())
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every instruction set that this processor has."""
    monkeypatch.setattr(fastdiv._rows, "kernels", _dispatch.load(request.param))

"""Every function and every dtype, as fixtures."""

from collections.abc import Callable
from typing import Any

import pytest
from cases import DTYPES, SIGNATURES

import fastdiv


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

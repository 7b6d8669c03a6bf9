"""What the tests of the gateway share: a clock that is moved by hand, and the helpers of `gateway_lab`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from gateway_lab import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()

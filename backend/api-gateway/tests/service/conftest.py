"""One running gateway for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_world import World, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as made:
        yield made

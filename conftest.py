"""What all tests share: the packages named like their folders are imported before pytest names test modules.

pytest's importlib mode calls `contracts/tests/unit/test_x.py` the module `contracts.tests.unit.test_x`; without these
imports it would make an empty package `contracts` out of the folder and hide the real one.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

import contracts  # noqa: F401
import kit  # noqa: F401
import mt5sim  # noqa: F401

# how fast this machine is at the moment is no property of the code
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

SLOW = ("attack", "system", "integration")
LONG = os.environ.get("ATTACK") == "long"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones first: `make test` runs files side by side, and one that takes minutes must not be left over.

    What is marked `long` belongs to `make attack-long` only: left out, for a suite of attacks may skip none.
    """
    late = [item for item in items if item.get_closest_marker("long") and not LONG]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]
    items.sort(key=lambda item: next((i for i, name in enumerate(SLOW) if item.get_closest_marker(name)), len(SLOW)))

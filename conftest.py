"""What all tests share: the packages named like their folders are imported before pytest names test modules.

pytest's importlib mode calls `contracts/tests/unit/test_x.py` the module `contracts.tests.unit.test_x`; without these
imports it would make an empty package `contracts` out of the folder and hide the real one.
"""

import pytest

import contracts  # noqa: F401
import kit  # noqa: F401
import mt5sim  # noqa: F401

SLOW = ("attack", "system", "integration")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: `make test` runs files side by side, and one that takes minutes must not be left over."""
    items.sort(key=lambda item: next((i for i, name in enumerate(SLOW) if item.get_closest_marker(name)), len(SLOW)))

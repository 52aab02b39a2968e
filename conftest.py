"""What all tests share: the packages named like their folders are imported before pytest names test modules.

pytest's importlib mode calls `contracts/tests/unit/test_x.py` the module `contracts.tests.unit.test_x`; without these
imports it would make an empty package `contracts` out of the folder and hide the real one.
"""

import contracts  # noqa: F401
import kit  # noqa: F401
import mt5sim  # noqa: F401

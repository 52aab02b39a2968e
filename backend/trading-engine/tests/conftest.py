"""Lets the tests of this service share one small world of accounts and ticks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

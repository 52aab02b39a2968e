"""Lets the tests of this service share one small platform."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

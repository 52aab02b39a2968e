"""`aitrading version`."""

import argparse
import json
from importlib.metadata import version


def run(options: argparse.Namespace) -> int:
    """Print the installed version."""
    number = version("central-hub")
    print(json.dumps({"aitrading": number}) if options.json else f"aitrading {number}")
    return 0

"""`aitrading keys rotate WHAT`: change a key while the platform runs."""

import argparse

from central_hub.cli import signal_keys, token_keys


def run(options: argparse.Namespace) -> int:
    """Each kind of key has its own way."""
    return {"signal": signal_keys.run, "token": token_keys.run}[options.what](options)

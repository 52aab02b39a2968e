"""Run the trading engine: `python -m trading_engine`."""

import sys

from kit.lifespan import run
from trading_engine.app import create_app
from trading_engine.settings import Settings

if __name__ == "__main__":
    sys.exit(run("trading-engine", Settings, create_app))

"""Start data-bridge with the settings of the environment."""

import sys

from data_bridge.app import create_app
from data_bridge.settings import Settings
from kit.lifespan import run

if __name__ == "__main__":
    sys.exit(run("data-bridge", Settings, create_app))

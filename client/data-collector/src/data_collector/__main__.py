"""Run the collector with the settings of the environment."""

import sys

from client_security.lifespan import run
from data_collector.app import create_app
from data_collector.settings import Settings

if __name__ == "__main__":
    sys.exit(run("data-collector", Settings, create_app))

"""Run the config manager with the settings of the environment, or do one of its verbs."""

import sys

from client_security.lifespan import run
from config_manager.app import create_app
from config_manager.cli import main
from config_manager.settings import Settings

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else run("config-manager", Settings, create_app))

"""Run the gateway: `python -m api_gateway`."""

import sys

from api_gateway.app import create_app
from api_gateway.settings import Settings
from kit.lifespan import run

if __name__ == "__main__":
    sys.exit(run("api-gateway", Settings, create_app))

"""Start database-service."""

import sys

from database_service.app import create_app
from database_service.settings import Settings
from kit.lifespan import run

sys.exit(run("database-service", Settings, create_app))

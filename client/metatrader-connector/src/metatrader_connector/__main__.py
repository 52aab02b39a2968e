"""Run the connector with the settings of the environment."""

import os
import sys
from functools import partial

from client_security.lifespan import run
from metatrader_connector import limits_cli, look_cli
from metatrader_connector.app import create_app
from metatrader_connector.failpoints import from_environment
from metatrader_connector.settings import Settings

if __name__ == "__main__":
    if sys.argv[1:2] == ["limits"]:
        sys.exit(limits_cli.main(sys.argv[2:]))
    if sys.argv[1:2] == ["look"]:
        sys.exit(look_cli.main(sys.argv[2:]))
    create = partial(create_app, failpoint=from_environment(os.environ))
    sys.exit(run("metatrader-connector", Settings, create))

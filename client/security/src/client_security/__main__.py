"""Run the security app, or `verify FILE` to check an audit log on its own, without a vault."""

import sys
from pathlib import Path

from client_security.adapters.audit_log import verify
from client_security.app import create_app
from client_security.lifespan import run
from client_security.settings import Settings
from kit.errors import KitError


def main(arguments: list[str]) -> int:
    """0 fine, 1 the log is damaged, 2 wrong arguments or settings."""
    if not arguments:
        return run("security", Settings, create_app)
    if len(arguments) != 2 or arguments[0] != "verify":
        print("usage: python -m client_security [verify AUDIT_FILE]", file=sys.stderr)
        return 2
    try:
        count = verify(Path(arguments[1]))
    except KitError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} record(s), every hash fits")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

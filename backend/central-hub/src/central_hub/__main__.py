"""`python -m central_hub` is `aitrading up`: the hub starts the very bus it lives on."""

import sys

from central_hub.cli import main

if __name__ == "__main__":
    sys.exit(main(["up", *sys.argv[1:]]))

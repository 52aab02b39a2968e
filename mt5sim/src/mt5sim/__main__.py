"""`python -m mt5sim SCRIPT [ARGUMENTS]`: run a script written for `MetaTrader5` with the simulator under that name."""

import runpy
import sys
from pathlib import Path

import mt5sim

USAGE = "usage: python -m mt5sim SCRIPT [ARGUMENTS]"


def main() -> None:
    """The script sees its own arguments and finds modules beside itself, as when Python runs it directly."""
    if len(sys.argv) == 1:
        sys.stderr.write(USAGE + "\n")
        raise SystemExit(2)
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    sys.modules["MetaTrader5"] = mt5sim
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

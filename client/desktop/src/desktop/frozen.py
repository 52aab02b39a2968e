"""The start of the bundled program: the command line, or one of its parts when it is started with `-m MODULE`.

In a bundle `sys.executable` is this program and no interpreter, yet the parts start each other with
`sys.executable -m`, as they do outside of one. Only our own parts can be started so.
"""

import os
import runpy
import sys

PARTS = (
    "client_security",
    "config_manager",
    "data_collector",
    "metatrader_connector",
    "metatrader_connector.terminal_process",
)
TRAY = "aitrading-tray"


def main() -> int:
    """The exit code of whatever was started."""
    words = sys.argv[1:]
    if words[:1] == ["-m"]:
        if len(words) < 2 or words[1] not in PARTS:
            print(f"there is no part called {words[1:2]}", file=sys.stderr)
            return 2
        sys.argv = [words[1], *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    from desktop.cli import main as command_line

    if os.path.splitext(os.path.basename(sys.executable))[0].casefold() == TRAY and not words:
        sys.argv = [sys.executable, "tray"]
    return command_line()


if __name__ == "__main__":
    sys.exit(main())

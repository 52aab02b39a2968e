"""`aitrading-client tray`: run the client without a window, with an icon beside the clock (Windows)."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from client_security.lifespan import STOP_ON_EOF
from desktop.health import Answer, ask
from desktop.plan import State
from desktop.setup_cli import STATE_FILE
from desktop.tray import Do, Start, Tray
from kit.errors import KitError

CONSOLE = "aitrading-client.exe"
HALT_S = 30.0


def program() -> list[str]:
    """What starts the command line from this program: the bundle's console program, or Python itself."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name(CONSOLE))]
    return [sys.executable, "-m", "desktop.cli"]


def run_tray(options: argparse.Namespace) -> int:
    """The client's exit code; KitError where there is no notification area."""
    if sys.platform == "win32":
        from desktop.windows_tray import WindowsIcon

        data: Path = options.data.expanduser().absolute()
        hidden = subprocess.CREATE_NO_WINDOW
        return Tray(data, WindowsIcon(), starter(data, hidden), lambda: answers_of(data), limiter(data, hidden)).run()
    raise KitError("the tray icon needs Windows; start the client with `aitrading-client run`")


def starter(data: Path, flags: int = 0) -> Start:
    """Starts the client for the tray, its words in `logs/client.log`. `flags`: of Windows' CreateProcess."""

    def start() -> "subprocess.Popen[bytes]":
        (data / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        with (data / "logs" / "client.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 our own program
                [*program(), "run", "--page", "--data", str(data)], stdin=subprocess.PIPE, stdout=log, stderr=log,
                env={**os.environ, STOP_ON_EOF: "1"}, creationflags=flags,
            )  # fmt: skip

    return start


def limiter(data: Path, flags: int = 0) -> Do:
    """Stops all orders, or lets them go out again, by the connector's own command."""

    def limits(verb: str) -> str:
        done = subprocess.run(  # noqa: S603 our own program
            [*program(), "limits", verb, "--data", str(data)], capture_output=True, check=False, timeout=HALT_S,
            creationflags=flags,
        )  # fmt: skip
        return (done.stdout or done.stderr).decode(errors="replace").strip()

    return limits


def answers_of(data: Path) -> list[Answer]:
    """What the apps of the running client say; empty when it does not run."""
    try:
        state = msgspec.json.decode((data / STATE_FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return []
    return [ask(data, app, port) for app, port in state.ports.items()]

"""The one connection of this process: last_error, the loaded terminal, and what every call does before and after."""

import functools
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from mt5sim.config import ConfigError, TerminalConfig
from mt5sim.config_json import read_config
from mt5sim.faults_file import FaultsFile
from mt5sim.knobs import faults
from mt5sim.terminal import Terminal

P = ParamSpec("P")
R = TypeVar("R")

BUILT_IN_HOME = "mt5sim"

SUCCESS = (1, "Success")
CALL_FAILED = (-1, "Terminal: Call failed")
INVALID_PARAMS = (-2, "Terminal: Invalid params")
INVALID_ARGUMENTS = (-2, "Invalid arguments")
NOT_FOUND = (-4, "Terminal: Not found")
AUTH_FAILED = (-6, "Terminal: Authorization failed")
TRADE_API_DISABLED = (-8, "Auto-Trading using Python API disabled in Terminal")
SEND_FAILED = (-10001, "IPC send failed")
RECEIVE_FAILED = (-10002, "IPC recv failed")
NO_CONNECTION = (-10004, "No IPC connection")
TIMEOUT = (-10005, "IPC timeout")


class Failed(Exception):
    """Ends a call: the wrapper sets last_error and returns the function's failure value."""

    def __init__(self, error: tuple[int, str]) -> None:
        super().__init__(*error)
        self.error = error


class Session:
    """Process-wide, because the real module is: one pipe, one last_error."""

    def __init__(self) -> None:
        self.last_error: tuple[int, str] = (0, "")
        self.loaded: Terminal | None = None
        """ runs on while nobody is connected, as a terminal does """
        self.connected: Terminal | None = None
        self.lock = threading.RLock()
        self.home = BUILT_IN_HOME
        """ the folder of the terminal's configuration, shown as its path as a real one shows that of its program """
        self._faults_file: FaultsFile | None = None

    def load(self, config: TerminalConfig, home: str = BUILT_IN_HOME) -> Terminal:
        """Replace the terminal. Raises ConfigError and keeps the old one when the new one cannot start."""
        terminal = Terminal(config, faults)
        if self.loaded is not None:
            self.loaded.close()
        faults.reset()
        for name, value in config.faults.items():
            setattr(faults, name, value)
        self._faults_file = None if config.faults_file is None else FaultsFile(config.faults_file)
        self.home = home
        self.loaded = terminal
        self.connected = None
        return terminal

    def find(self, path: str | None) -> Terminal:
        """The terminal of a configuration file, started when it is not the one that runs already."""
        if path is None:
            return self.loaded or self.load(TerminalConfig())
        file = Path(path)
        if file.suffix != ".json":
            raise ConfigError(f"Process create failed '{path}'; mt5sim wants a .json terminal configuration")
        config = read_config(file)
        if self.loaded is not None and self.loaded.config == config:
            return self.loaded
        return self.load(config, str(file.resolve().parent))

    def terminal(self) -> Terminal:
        """The connected terminal with its market brought up to now."""
        if self.connected is None:
            raise Failed(NO_CONNECTION)
        if faults.pipe_dead:
            raise Failed(SEND_FAILED)
        self.connected.advance()
        return self.connected

    def poll_faults(self) -> None:
        if self._faults_file is not None:
            self._faults_file.poll(faults)


session = Session()


def call(failure: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of the API: last_error is set, knobs act, and a failure is a value, never an exception."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        name = getattr(function, "__name__", "")

        @functools.wraps(function)
        def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            with session.lock:
                session.last_error = SUCCESS
                faults.wait_while_hung(name, session.poll_faults)
                try:
                    return function(*args, **kwargs)
                except Failed as failed:
                    session.last_error = failed.error
                except sqlite3.Error:
                    # the books could not be read or written: the broker has done nothing
                    session.last_error = CALL_FAILED
                return cast("R", failure)

        return answer

    return wrap

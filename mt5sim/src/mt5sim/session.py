"""The one connection of this process: last_error, the terminals that run, and what every call does before and after."""

import functools
import inspect
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from mt5sim.config import ConfigError, TerminalConfig
from mt5sim.config_json import read_config
from mt5sim.faults_file import FaultsFile
from mt5sim.knobs import Faults, faults, pause
from mt5sim.terminal import Terminal

P = ParamSpec("P")
R = TypeVar("R")

BUILT_IN_HOME = "mt5sim"
UNNAMED = ""
""" the terminal that was loaded from Python, or the built-in demo: no file names it """

SUCCESS = (1, "Success")
CALL_FAILED = (-1, "Terminal: Call failed")
INVALID_PARAMS = (-2, "Terminal: Invalid params")
INVALID_ARGUMENTS = (-2, "Invalid arguments")
NOT_FOUND = (-4, "Terminal: Not found")
OLD_VERSION = (
    -5,
    "Terminal: Incompatible versions, please install the latest version of Terminal and Python module",
)
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


@dataclass(slots=True)
class Running:
    """A terminal that has been started. It runs on while nobody is connected, as a real one does."""

    terminal: Terminal
    home: str
    """ the folder of its configuration, shown as its path as a real one shows that of its program """
    faults_file: FaultsFile | None
    knobs: dict[str, Any] = field(default_factory=dict)
    """ its knobs while another terminal is the current one """
    books: set[str] = field(default_factory=set)
    """ the symbols whose depth of market has been asked for """


class Session:
    """Process-wide, because the real module is: one pipe, one last_error."""

    def __init__(self) -> None:
        self.last_error: tuple[int, str] = (0, "")
        self.running: dict[str, Running] = {}
        """ configuration file -> its terminal """
        self.current: Running | None = None
        """ the one that was connected last; `initialize()` without a path finds it again """
        self.connected: Terminal | None = None
        self.lock = threading.RLock()

    @property
    def loaded(self) -> Terminal | None:
        return None if self.current is None else self.current.terminal

    @property
    def home(self) -> str:
        return BUILT_IN_HOME if self.current is None else self.current.home

    def load(self, config: TerminalConfig, home: str = BUILT_IN_HOME, file: str = UNNAMED) -> Terminal:
        """Start a terminal in place of the file's old one. Raises ConfigError and changes nothing when it cannot."""
        terminal = Terminal(config, faults)
        watched = None if config.faults_file is None else FaultsFile(config.faults_file)
        old = self.running.pop(file, None)
        if old is not None:
            old.terminal.close()
        if self.current is old:
            self.current = None
        self.running[file] = Running(terminal, home, watched, {**Faults().values(), **config.faults})
        self.connected = None
        return self._make_current(self.running[file])

    def find(self, path: str | None) -> Terminal:
        """The terminal of a configuration file, started when it is not running already."""
        if path is None:
            return self.loaded or self.load(TerminalConfig())
        file = Path(path)
        if file.suffix != ".json":
            raise ConfigError(f"Process create failed '{path}'; mt5sim wants a .json terminal configuration")
        config = read_config(file)
        name = str(file.resolve())
        running = self.running.get(name)
        if running is not None and running.terminal.config == config:
            return self._make_current(running)
        return self.load(config, str(file.resolve().parent), name)

    def end(self) -> None:
        """Close every terminal and forget all, as a new process would; what is in state files stays."""
        for running in self.running.values():
            running.terminal.close()
        self.running.clear()
        self.current = self.connected = None
        self.last_error = (0, "")
        faults.reset()

    def terminal(self) -> Terminal:
        """The connected terminal with its market brought up to now."""
        if self.connected is None:
            raise Failed(NO_CONNECTION)
        if faults.pipe_dead:
            raise Failed(SEND_FAILED)
        self.connected.advance()
        return self.connected

    def books(self) -> set[str]:
        return set() if self.current is None else self.current.books

    def poll_faults(self) -> None:
        if self.current is not None and self.current.faults_file is not None:
            self.current.faults_file.poll(faults)

    def _make_current(self, running: Running) -> Terminal:
        if self.current is not running:
            if self.current is not None:
                self.current.knobs = faults.values()
            faults.put(running.knobs)
            self.current = running
        return running.terminal


session = Session()

UNHURRIED = ("initialize", "login", "shutdown", "order_send")
""" calls that `read_latency_ms` leaves alone; the other knobs have their own delays for them """


def call(failure: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of the API: last_error is set, knobs act, and a failure is a value, never an exception.

    A function whose only parameter is `*args` takes positional arguments only, and one without parameters takes none:
    both refuse others with a TypeError before anything happens, as functions of a C module do.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        name = getattr(function, "__name__", "")
        kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
        takes_none, takes_names = not kinds, inspect.Parameter.VAR_KEYWORD in kinds
        hurried = name not in UNHURRIED

        @functools.wraps(function)
        def answer(*args: P.args, **kwargs: P.kwargs) -> R:
            if kwargs and not takes_names:
                raise TypeError(f"{name}() takes no keyword arguments")
            if args and takes_none:
                raise TypeError(f"{name}() takes no arguments ({len(args)} given)")
            with session.lock:
                session.last_error = SUCCESS
                faults.wait_while_hung(name, session.poll_faults)
                if hurried:
                    pause(faults.read_latency_ms)
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

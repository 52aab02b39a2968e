"""initialize, login, shutdown and what they connect to."""

from typing import Any

from mt5sim.answers import account_view
from mt5sim.arguments import UNSIGNED_32, UNSIGNED_64, invalid, text, whole
from mt5sim.config import ConfigError, TerminalConfig
from mt5sim.knobs import faults, pause
from mt5sim.markets import company_of
from mt5sim.records import build
from mt5sim.session import AUTH_FAILED, CALL_FAILED, OLD_VERSION, TIMEOUT, Failed, call, session
from mt5sim.snapshots import AccountInfo, TerminalInfo
from mt5sim.terminal import Terminal

BUILD = 6231
RELEASED = "16 Sep 2026"
MAX_PATH = 257
MAX_SECRET = 253
CONNECT_TIMEOUT_MS = 60_000
CONNECT_ERRORS: dict[int, tuple[int, str]] = {
    error[0]: error
    for error in (
        OLD_VERSION,
        AUTH_FAILED,
        (-7, "Unsupported authorization mode, OTP or certificate password needed"),
        (-10003, "IPC initialize failed, MetaTrader 5 x64 not found"),
        TIMEOUT,
    )
}
""" why the package does not connect; any other code has the words of -1 """
NAME = "mt5sim"


def load(config: TerminalConfig) -> None:
    """Start a new simulated terminal from Python and connect to it.

    The account starts afresh unless `config.state_file` remembers it. `initialize()` without a path connects to it
    again after `shutdown()`. Raises ConfigError with everything that is wrong.
    """
    with session.lock:
        session.connected = session.load(config)
        session.last_error = (1, "Success")


@call(False)
def initialize(*args: Any, **kwargs: Any) -> bool:
    """initialize([path], *, login, password, server, timeout, portable): True, or False with last_error.

    `path` is a JSON terminal configuration; without one, the terminal that was loaded last, or a built-in demo.
    """
    if len(args) > 1:
        raise Failed((-2, "Invalid number of arguments"))
    if args and not isinstance(args[0], str):
        raise Failed((-2, "Invalid 1st unnamed argument"))
    path = args[0] if args else text(kwargs, "path", MAX_PATH)
    if path is not None and len(path) > MAX_PATH:
        raise invalid("path")
    timeout = whole(kwargs, "timeout", UNSIGNED_32)
    # an open connection is closed first, whether the new one comes about or not
    session.connected = None
    try:
        terminal = session.find(path)
    except ConfigError as error:
        raise Failed((-10003, f"IPC initialize failed, {error}")) from error
    faults.pipe_dead = False
    _wait_for_it(timeout)
    _log_in(terminal, kwargs)
    session.connected = terminal
    return True


@call(False)
def login(*args: Any, **kwargs: Any) -> bool:
    """login(login, [password], [server], *, timeout): True, or False with last_error."""
    names = ("login", "password", "server")
    if len(args) > len(names):
        raise Failed((-2, "Invalid number of arguments"))
    for value, kind, place in zip(args, (int, str, str), ("1st", "2nd", "3rd"), strict=False):
        if not isinstance(value, kind):
            raise Failed((-2, f"Invalid {place} unnamed argument"))
    given = {**kwargs, **dict(zip(names, args, strict=False))}
    if "login" not in given:
        raise invalid("login")
    timeout = whole(kwargs, "timeout", UNSIGNED_32)
    terminal = session.terminal()
    if faults.disconnect:
        # the real one takes its `timeout` to say so
        raise Failed(TIMEOUT)
    _wait_for_it(timeout)
    _log_in(terminal, given)
    return True


def _wait_for_it(timeout_ms: int | None) -> None:
    """The wait of initialize and login, in which the module asks the terminal every 100 ms whether it is ready."""
    longest = timeout_ms or CONNECT_TIMEOUT_MS
    pause(min(faults.connect_ms, longest))
    if faults.connect_ms > longest:
        raise Failed(TIMEOUT)
    if faults.connect_error:
        raise Failed(CONNECT_ERRORS.get(faults.connect_error, (faults.connect_error, CALL_FAILED[1])))


def _log_in(terminal: Terminal, given: dict[str, Any]) -> None:
    account = terminal.config.account
    number = whole(given, "login", UNSIGNED_64)
    password, server = text(given, "password", MAX_SECRET), text(given, "server", MAX_SECRET)
    wrong_number = number not in (None, account.login)
    wrong_server = server not in (None, "", account.server)
    # without a number the terminal stays on the account it knows, whatever password is passed
    wrong_password = number is not None and bool(account.password) and password not in (None, "", account.password)
    if wrong_number or wrong_server or wrong_password:
        raise Failed(AUTH_FAILED)


@call(True)
def shutdown() -> bool:
    """Close the connection. The terminal and its account live on."""
    session.connected = None
    return True


@call((0, 0, ""))
def version() -> tuple[int, int, str]:
    session.terminal()
    return (500, BUILD, RELEASED)


def last_error() -> tuple[int, str]:
    """(code, text) of the last call; (0, '') before the first."""
    return session.last_error


@call(None)
def terminal_info() -> TerminalInfo | None:
    terminal = session.terminal()
    return build(
        TerminalInfo,
        community_account=False, community_connection=False, connected=terminal.connected, dlls_allowed=False,
        trade_allowed=faults.autotrading, tradeapi_disabled=faults.tradeapi_disabled, email_enabled=False,
        ftp_enabled=False, notifications_enabled=False, mqid=False, build=BUILD, maxbars=faults.maxbars, codepage=0,
        ping_last=int(faults.latency_ms * 1000), community_balance=0.0, retransmission=0.0,
        company=company_of(terminal.config.market), name=NAME, language="English",
        path=session.home, data_path=session.home, commondata_path=session.home,
    )  # fmt: skip


@call(None)
def account_info() -> AccountInfo | None:
    return account_view(session.terminal())

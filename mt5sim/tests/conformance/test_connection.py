"""initialize, login, shutdown, version and last_error."""

import subprocess
import sys
from typing import Any

import pytest


def test_before_any_call_last_error_is_empty(module: Any, environ: dict[str, str]) -> None:
    script = f"import {module.__name__} as mt5; print(mt5.last_error())"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environ)
    assert done.stdout.strip() == "(0, '')"


def test_connecting_is_true_and_can_be_repeated(offline: Any, path: tuple[str, ...]) -> None:
    assert offline.initialize(*path) is True
    assert offline.last_error() == (1, "Success")
    assert offline.initialize(*path) is True
    assert offline.account_info() is not None


def test_shutdown_is_always_true_and_ends_the_connection(mt5: Any) -> None:
    assert mt5.shutdown() is True
    assert mt5.last_error() == (1, "Success")
    assert mt5.account_info() is None
    assert mt5.last_error() == (-10004, "No IPC connection")
    assert mt5.shutdown() is True


def test_the_version_is_three_values_and_three_empty_ones_without_a_connection(mt5: Any) -> None:
    number, build, released = mt5.version()
    assert (number, build) == (500, mt5.terminal_info().build)
    assert released
    mt5.shutdown()
    assert mt5.version() == (0, 0, "")
    assert mt5.last_error() == (-10004, "No IPC connection")


def test_last_error_belongs_to_the_last_call_and_asking_changes_nothing(mt5: Any) -> None:
    assert mt5.symbol_info("NO.SUCH.SYMBOL") is None
    assert mt5.last_error() == mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.symbols_total() > 0
    assert mt5.last_error() == (1, "Success")


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"timeout": "5"}, 'Invalid "timeout" argument'),
        ({"timeout": 5.0}, 'Invalid "timeout" argument'),
        ({"login": "1"}, 'Invalid "login" argument'),
        ({"password": 1}, 'Invalid "password" argument'),
        ({"server": 1}, 'Invalid "server" argument'),
        ({"path": 1}, 'Invalid "path" argument'),
        ({"path": "x" * 258}, 'Invalid "path" argument'),
        ({"password": "x" * 254}, 'Invalid "password" argument'),
        ({"server": "x" * 254}, 'Invalid "server" argument'),
    ],
)
def test_initialize_names_the_argument_it_refuses(offline: Any, kwargs: dict[str, Any], words: str) -> None:
    assert offline.initialize(**kwargs) is False
    assert offline.last_error() == (-2, words)


def test_initialize_takes_one_unnamed_argument_a_path(offline: Any) -> None:
    assert offline.initialize(5) is False
    assert offline.last_error() == (-2, "Invalid 1st unnamed argument")
    assert offline.initialize("a", "b") is False
    assert offline.last_error() == (-2, "Invalid number of arguments")


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        (("1",), {}, "Invalid 1st unnamed argument"),
        ((1, 2), {}, "Invalid 2nd unnamed argument"),
        ((1, "password", 3), {}, "Invalid 3rd unnamed argument"),
        ((1, "password", "server", 4), {}, "Invalid number of arguments"),
        ((), {"login": "1"}, 'Invalid "login" argument'),
        ((1,), {"password": 2}, 'Invalid "password" argument'),
        ((1,), {"server": 3}, 'Invalid "server" argument'),
        ((1,), {"timeout": "4"}, 'Invalid "timeout" argument'),
    ],
)
def test_login_names_the_argument_it_refuses(mt5: Any, args: tuple[Any, ...], kwargs: Any, words: str) -> None:
    assert mt5.login(*args, **kwargs) is False
    assert mt5.last_error() == (-2, words)


def test_a_path_without_a_terminal_is_false_and_minus_10003(offline: Any) -> None:
    assert offline.initialize("/no/such/terminal64.exe") is False
    code, words = offline.last_error()
    assert code == -10003
    assert words.startswith("IPC initialize failed, ")


def test_another_account_is_refused(mt5: Any, real: bool) -> None:
    if real:
        pytest.skip("a login with wrong words would take a real terminal off its account: NOT tested")
    assert mt5.login(4711, password="x", server="nowhere") is False
    assert mt5.last_error() == (-6, "Terminal: Authorization failed")


def test_the_terminal_and_the_account_tell_who_they_are(mt5: Any) -> None:
    terminal, account = mt5.terminal_info(), mt5.account_info()
    assert all((terminal.path, terminal.data_path, terminal.name, terminal.company, account.server, account.login))
    assert (terminal.connected, terminal.maxbars > 0) == (True, True)

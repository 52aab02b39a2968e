"""Several terminals by path: each keeps its account, its market and its knobs while another one is connected."""

import json
from pathlib import Path

import mt5sim as mt5

ORDER = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0}


def terminal(folder: Path, login: int, **more: object) -> str:
    folder.mkdir()
    file = folder / "terminal.json"
    file.write_text(json.dumps({"account": {"login": login}, "symbols": ["EURUSD"], **more}))
    return str(file)


def test_a_path_picks_one_terminal_and_the_others_keep_what_they_had(tmp_path: Path) -> None:
    first, second = terminal(tmp_path / "a", 1), terminal(tmp_path / "b", 2)
    assert mt5.initialize(first)
    assert mt5.order_send(ORDER).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.initialize(path=second)
    assert (mt5.account_info().login, mt5.positions_total()) == (2, 0)
    assert mt5.terminal_info().path == str((tmp_path / "b").resolve())
    assert mt5.initialize(first)
    assert (mt5.account_info().login, mt5.positions_total()) == (1, 1)
    assert mt5.terminal_info().path == str((tmp_path / "a").resolve())


def test_without_a_path_the_one_that_was_connected_last_is_found(tmp_path: Path) -> None:
    first, second = terminal(tmp_path / "a", 1), terminal(tmp_path / "b", 2)
    assert all(mt5.initialize(path) for path in (first, second, first))
    assert mt5.shutdown()
    assert mt5.initialize()
    assert mt5.account_info().login == 1


def test_knobs_belong_to_the_terminal_that_is_connected(tmp_path: Path) -> None:
    first, second = terminal(tmp_path / "a", 1, faults={"retcode": 10006}), terminal(tmp_path / "b", 2)
    assert mt5.initialize(first)
    mt5.faults.disconnect = True
    assert mt5.initialize(second)
    assert mt5.faults == mt5.Faults()
    assert mt5.initialize(first)
    assert (mt5.faults.retcode, mt5.faults.disconnect) == (10006, True)


def test_a_faults_file_is_read_for_its_own_terminal_only(tmp_path: Path) -> None:
    first, second = terminal(tmp_path / "a", 1, faults_file="faults.json"), terminal(tmp_path / "b", 2)
    assert all(mt5.initialize(path) for path in (first, second))
    (tmp_path / "a" / "faults.json").write_text('{"disconnect": true}')
    assert mt5.terminal_info().connected is True
    assert mt5.initialize(first)
    assert mt5.terminal_info().connected is False


def test_a_changed_configuration_is_a_new_terminal(tmp_path: Path) -> None:
    file = terminal(tmp_path / "a", 1)
    assert mt5.initialize(file)
    assert mt5.order_send(ORDER).retcode == mt5.TRADE_RETCODE_DONE
    Path(file).write_text(json.dumps({"account": {"login": 3}, "symbols": ["EURUSD"]}))
    assert mt5.initialize(file)
    assert (mt5.account_info().login, mt5.positions_total()) == (3, 0)


def test_a_path_that_leads_nowhere_leaves_no_connection(tmp_path: Path) -> None:
    assert mt5.initialize()
    assert mt5.initialize(str(tmp_path / "none.json")) is False
    assert mt5.last_error()[0] == -10003
    assert mt5.account_info() is None
    assert mt5.last_error() == (-10004, "No IPC connection")
    assert mt5.initialize()

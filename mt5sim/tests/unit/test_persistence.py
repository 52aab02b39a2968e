"""A broker remembers: what order_send has answered survives the death of the client."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import mt5sim as mt5
from mt5sim.knobs import Faults
from mt5sim.session import session
from mt5sim.structs import TradeRequest
from mt5sim.terminal import Terminal

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012), (1.0900, 1.0902), (1.1020, 1.1022)]
WORKER = """
import sys, mt5sim
assert mt5sim.initialize(sys.argv[1]), mt5sim.last_error()
for _ in range(int(sys.argv[2])):
    result = mt5sim.order_send(action=1, symbol="EURUSD", volume=0.01, type=0)
    print(result.order, flush=True)
"""


def test_the_account_is_there_after_a_restart(desk, tmp_path: Path) -> None:
    state = tmp_path / "account.sqlite"
    desk.load(QUOTES, state_file=state)
    opened = desk.buy(0.2, sl=1.05, magic=7, comment="kept")
    desk.step()
    closed = desk.sell(0.1, position=opened.order)
    before = (mt5.positions_get(), desk.deals(), mt5.history_orders_get(1, 2_000_000_000), mt5.account_info())
    desk.load(QUOTES, state_file=state)
    assert (mt5.positions_get(), desk.deals(), mt5.history_orders_get(1, 2_000_000_000), mt5.account_info()) == before
    assert desk.buy().order == closed.order + 1


def test_a_restarted_replay_goes_on_where_the_account_was(desk, tmp_path: Path) -> None:
    state = tmp_path / "account.sqlite"
    desk.load(QUOTES, state_file=state)
    desk.step(2)
    desk.buy(sl=1.05)
    desk.load(QUOTES, state_file=state)
    assert mt5.symbol_info_tick("EURUSD").bid == 1.0900


def test_stops_reached_while_the_client_was_away_are_executed(tmp_path: Path) -> None:
    now = [1_800_000_000_000]
    config = mt5.TerminalConfig(state_file=tmp_path / "account.sqlite")
    terminal = Terminal(config, Faults(), lambda: now[0])
    ask = terminal.quote("EURUSD").ask
    request = dict.fromkeys(mt5.TradeRequest.__match_args__, 0) | {"symbol": "EURUSD", "comment": "", "volume": 0.1}
    request |= {"action": 1, "tp": round(ask + 0.0005, 5), "sl": round(ask - 0.0005, 5)}
    terminal.order(TradeRequest(request.values()))
    assert len(terminal.ledger.positions) == 1
    terminal.close()
    now[0] += 3 * 3_600_000
    later = Terminal(config, Faults(), lambda: now[0])
    later.advance()
    assert later.ledger.positions == {}
    closing = list(later.ledger.deals.values())[-1]
    assert closing.reason in (mt5.DEAL_REASON_SL, mt5.DEAL_REASON_TP)
    assert closing.time_msc < now[0]
    later.close()


def start_worker(config: Path, orders: int) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(mt5.__file__).parents[1])}
    command = [sys.executable, "-c", WORKER, str(config), str(orders)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def replay_config(folder: Path) -> Path:
    config = folder / "terminal.json"
    market = {"kind": "replay", "file": "ticks.csv", "symbol": "EURUSD", "speed": 0}
    config.write_text(json.dumps({"market": market, "state_file": "account.sqlite", "account": {"leverage": 500}}))
    return config


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_every_answered_order_survives_kill_9(desk, tmp_path: Path) -> None:
    desk.write([(1_700_000_000_000, 1.1, 1.1002)])
    config = replay_config(tmp_path)
    worker = start_worker(config, 1_000_000)
    assert worker.stdout is not None
    answered = [int(worker.stdout.readline()) for _ in range(20)]
    worker.send_signal(signal.SIGKILL)
    answered += [int(line) for line in worker.stdout.read().splitlines()]
    worker.wait()
    worker.stdout.close()
    assert mt5.initialize(str(config)), mt5.last_error()
    found = [position.ticket for position in mt5.positions_get()]
    assert found[: len(answered)] == answered
    # one more may have been executed and never answered
    assert len(found) - len(answered) in (0, 1)
    assert len(mt5.history_deals_get(1, 2_000_000_000)) == len(found) + 1


def test_two_processes_trade_on_one_account_without_losing_an_order(desk, tmp_path: Path) -> None:
    desk.write([(1_700_000_000_000, 1.1, 1.1002)])
    config = replay_config(tmp_path)
    workers = [start_worker(config, 25), start_worker(config, 25)]
    answered = [int(line) for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert mt5.initialize(str(config)), mt5.last_error()
    assert sorted(answered) == [position.ticket for position in mt5.positions_get()]
    assert len(set(answered)) == 50


def test_two_terminals_of_one_account_see_each_other(desk, tmp_path: Path) -> None:
    desk.load(QUOTES, state_file=tmp_path / "account.sqlite")
    other = Terminal(session.loaded.config, Faults())
    mine = desk.buy().order
    other.advance()
    assert list(other.ledger.positions) == [mine]
    desk.sell(position=mine)
    other.advance()
    assert other.ledger.positions == {}
    other.close()


def test_a_state_file_of_another_account_is_refused(desk, tmp_path: Path) -> None:
    state = tmp_path / "account.sqlite"
    desk.load(QUOTES, state_file=state)
    with pytest.raises(mt5.ConfigError, match="belongs to account"):
        desk.load(QUOTES, state_file=state, account={"login": 5})


def test_a_damaged_state_file_is_refused_and_not_overwritten(desk, tmp_path: Path) -> None:
    state = tmp_path / "account.sqlite"
    state.write_bytes(b"not a database" * 100)
    with pytest.raises(mt5.ConfigError, match="move it away"):
        desk.load(QUOTES, state_file=state)
    assert state.read_bytes().startswith(b"not a database")


def test_an_order_that_cannot_be_written_did_not_happen(desk, tmp_path: Path) -> None:
    desk.load(QUOTES, state_file=tmp_path / "account.sqlite")
    store = session.loaded.store

    def disk_full(change: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    store.record = disk_full
    assert desk.buy().retcode == mt5.TRADE_RETCODE_ERROR
    assert mt5.positions_total() == 0
    del store.record
    assert desk.buy().retcode == mt5.TRADE_RETCODE_DONE


def test_a_second_terminal_follows_the_market_in_which_the_first_has_traded(desk, tmp_path: Path) -> None:
    """Or it would stop a position at ticks that are older than the position."""
    desk.load([(1.1, 1.1002), (1.0, 1.0002), (1.1, 1.1002), (1.1, 1.1002)], state_file=tmp_path / "account.sqlite")
    other = Terminal(session.loaded.config, Faults())
    desk.step(2)
    desk.buy(sl=1.05)
    other.advance()
    assert other.quote("EURUSD").msc == mt5.symbol_info_tick("EURUSD").time_msc
    other.settle()
    assert len(other.ledger.positions) == 1
    other.close()

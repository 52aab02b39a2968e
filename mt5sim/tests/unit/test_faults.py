"""The fault knobs: what each one does to the caller and to the account."""

import threading
import time
from pathlib import Path

import pytest

import mt5sim as mt5

QUOTES = [(1.1000, 1.1002), (1.1010, 1.1012)]
REQUEST = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0}


def test_autotrading_off_is_10027(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.autotrading = False
    assert mt5.terminal_info().trade_allowed is False
    assert desk.buy().retcode == mt5.TRADE_RETCODE_CLIENT_DISABLES_AT
    assert mt5.positions_total() == 0


def test_a_disabled_python_api_is_none_and_minus_8(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.tradeapi_disabled = True
    assert mt5.order_send(REQUEST) is None
    assert mt5.last_error() == (-8, "Auto-Trading using Python API disabled in Terminal")
    assert mt5.terminal_info().tradeapi_disabled is True


def test_a_lost_broker_freezes_quotes_and_refuses_trades_until_it_returns(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.disconnect = True
    assert mt5.terminal_info().connected is False
    assert desk.buy().retcode == mt5.TRADE_RETCODE_CONNECTION
    assert len(mt5.copy_ticks_from("EURUSD", 1, 10, -1)) == 1
    assert mt5.login(10001) is False
    assert mt5.last_error() == (-10005, "IPC timeout")
    mt5.faults.disconnect = False
    assert len(mt5.copy_ticks_from("EURUSD", 1, 10, -1)) == 2
    assert desk.buy().retcode == mt5.TRADE_RETCODE_DONE


def test_a_lost_reply_is_none_although_the_order_was_executed(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.lost_reply = True
    assert mt5.order_send(REQUEST) is None
    assert mt5.last_error() == (-10002, "IPC recv failed")
    assert mt5.positions_total() == 1


def test_a_lost_request_is_none_and_nothing_was_executed(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.lost_request = True
    assert mt5.order_send(REQUEST) is None
    assert mt5.last_error() == (-10001, "IPC send failed")
    assert mt5.positions_total() == 0


def test_a_counted_fault_strikes_so_many_times(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.lost_reply = 2
    assert [mt5.order_send(REQUEST) is None for _ in range(3)] == [True, True, False]


def test_a_scripted_retcode_answers_and_executes_nothing(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.retcode = mt5.TRADE_RETCODE_TIMEOUT
    assert (desk.buy().retcode, desk.buy().comment) == (10012, "Timeout")
    assert mt5.positions_total() == 0


@pytest.mark.parametrize("knob", ["latency_ms", "reply_latency_ms"])
def test_latency_holds_order_send_back(desk, knob: str) -> None:
    desk.load(QUOTES)
    setattr(mt5.faults, knob, 60.0)
    started = time.monotonic()
    assert desk.buy().retcode == mt5.TRADE_RETCODE_DONE
    assert time.monotonic() - started >= 0.06


def test_a_dead_pipe_fails_every_call_until_initialize(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.pipe_dead = True
    assert mt5.positions_get() is None
    assert mt5.last_error() == (-10001, "IPC send failed")
    assert mt5.initialize()
    assert mt5.positions_get() == ()


@pytest.mark.parametrize("hang", [True, "positions_total"])
def test_a_hanging_call_returns_when_the_knob_is_released(desk, hang: bool | str) -> None:
    desk.load(QUOTES)
    mt5.faults.hang = hang
    answers: list[int | None] = []
    thread = threading.Thread(target=lambda: answers.append(mt5.positions_total()))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    mt5.faults.hang = False
    thread.join(5)
    assert answers == [0]


def test_a_hang_of_one_function_leaves_the_others_alone(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.hang = "order_send"
    assert mt5.positions_total() == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-5, "Terminal: Incompatible versions, please install the latest version of Terminal and Python module"),
        (-6, "Terminal: Authorization failed"),
        (-7, "Unsupported authorization mode, OTP or certificate password needed"),
        (-10003, "IPC initialize failed, MetaTrader 5 x64 not found"),
        (-10005, "IPC timeout"),
        (-99, "Terminal: Call failed"),
    ],
)
def test_a_connection_fails_with_the_wished_code_until_it_is_put_right(desk, code: int, words: str) -> None:
    desk.load(QUOTES)
    mt5.faults.connect_error = code
    assert mt5.login(10001) is False
    assert mt5.initialize() is False
    assert mt5.last_error() == (code, words)
    assert mt5.account_info() is None
    assert mt5.last_error() == (-10004, "No IPC connection")
    mt5.faults.connect_error = 0
    assert mt5.initialize() is True


def test_a_slow_terminal_is_waited_for_as_long_as_the_timeout_says(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.connect_ms = 60.0
    started = time.monotonic()
    assert mt5.initialize(timeout=20) is False
    assert mt5.last_error() == (-10005, "IPC timeout")
    assert 0.02 <= time.monotonic() - started < 0.06
    assert mt5.initialize() is True
    assert time.monotonic() - started >= 0.08
    assert mt5.login(10001, timeout=20) is False


def test_reads_can_be_slow_while_orders_are_not(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.read_latency_ms = 60.0
    started = time.monotonic()
    assert desk.buy().retcode == mt5.TRADE_RETCODE_DONE
    assert time.monotonic() - started < 0.06
    assert mt5.positions_total() == 1
    assert time.monotonic() - started >= 0.06


def test_a_terminal_that_somebody_has_logged_in_elsewhere_says_so(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.other_login = 4711
    assert mt5.account_info().login == 4711


def test_loading_a_terminal_resets_the_knobs(desk) -> None:
    mt5.faults.retcode = 10006
    desk.load(QUOTES)
    assert mt5.faults == mt5.Faults()


def test_a_faults_file_works_the_knobs_while_the_process_runs(desk, tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    desk.load(QUOTES, faults_file=file)
    assert mt5.terminal_info().connected is True
    file.write_text('{"disconnect": true}')
    assert mt5.terminal_info().connected is False
    file.write_text('{"retcode": 10012}')
    assert (mt5.terminal_info().connected, desk.buy().retcode) == (True, 10012)
    file.unlink()
    assert desk.buy().retcode == mt5.TRADE_RETCODE_DONE


def test_a_faults_file_can_release_a_hang(desk, tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('{"hang": "positions_total"}')
    desk.load(QUOTES, faults_file=file)
    timer = threading.Timer(0.1, file.unlink)
    timer.start()
    started = time.monotonic()
    assert mt5.positions_total() == 0
    assert time.monotonic() - started >= 0.1
    timer.join()


def test_a_broken_faults_file_is_loud(desk, tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    desk.load(QUOTES, faults_file=file)
    file.write_text('{"disconect": true}')
    with pytest.raises(mt5.ConfigError, match="disconect is unknown"):
        mt5.terminal_info()


def test_slippage_fills_worse_than_the_quote(desk) -> None:
    desk.load(QUOTES)
    mt5.faults.slippage_points = 30
    assert (desk.buy().price, desk.sell().price) == (1.1005, 1.0997)


@pytest.mark.parametrize(("volume", "given"), [(1.0, 0.4), (0.03, 0.01), (0.01, 0.01)])
def test_a_partial_fill_gives_whole_steps_and_cancels_the_rest(desk, volume: float, given: float) -> None:
    desk.load(QUOTES)
    mt5.faults.partial_fill = 0.4
    result = desk.buy(volume, type_filling=mt5.ORDER_FILLING_IOC)
    whole = given == volume
    assert result.retcode == (mt5.TRADE_RETCODE_DONE if whole else mt5.TRADE_RETCODE_DONE_PARTIAL)
    assert result.volume == desk.position().volume == desk.deals()[-1].volume == given
    (order,) = mt5.history_orders_get(ticket=result.order)
    assert (order.volume_initial, order.volume_current) == (volume, round(volume - given, 2))
    assert order.state == (mt5.ORDER_STATE_FILLED if whole else mt5.ORDER_STATE_PARTIAL)


def test_a_position_can_be_closed_in_part_by_a_partial_fill(desk) -> None:
    desk.load(QUOTES)
    opened = desk.buy(1.0)
    mt5.faults.partial_fill = 0.5
    assert desk.sell(1.0, position=opened.order, type_filling=mt5.ORDER_FILLING_IOC).volume == 0.5
    assert desk.position().volume == 0.5
    assert desk.sell(0.5, position=opened.order, type_filling=mt5.ORDER_FILLING_FOK).volume == 0.5
    assert mt5.positions_total() == 0

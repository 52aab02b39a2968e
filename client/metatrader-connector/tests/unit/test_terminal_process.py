"""The terminal process calls MT5 as MT5 wants to be called: keywords for orders, floats as floats, a path always."""

import ast
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import metatrader_connector
from metatrader_connector.domain.terminal import (
    EXPIRED,
    HALTED,
    OTHER_ACCOUNT,
    OTHER_TERMINAL,
    Call,
    Launch,
    Request,
    TickRead,
)
from metatrader_connector.terminal_worker import Fault, Worker, same_folder

LAUNCH = Launch("MetaTrader5", "/mt5/terminal64.exe", "", 5)
REQUEST = Request("EURUSD", 0.1, 0, (0,), 10, 5, "ait-x", 0, 0.0, 0.0, 2**60, 2**62)


class Module:
    """As the real package: `order_send` refuses a positional dict when any keywords come with it."""

    COPY_TICKS_ALL, TRADE_ACTION_DEAL, ORDER_TYPE_BUY, ORDER_TIME_GTC = -1, 1, 0, 0

    def __init__(self) -> None:
        self.orders: list[dict[str, object]] = []
        self.opened: dict[str, object] = {}
        self.error = (1, "Success")
        self.checks: list[object] = []
        """ what order_check answers, one after the other; then nothing """
        self.answers: list[object] = []
        """ the same for order_send """
        self.folder, self.server = "/mt5", "Broker-Demo"
        self.tick: object = SimpleNamespace(bid=1.0, ask=1.1, time_msc=77)

    def initialize(self, *args: object, **kwargs: object) -> bool:
        assert not args
        self.opened = kwargs
        return self.error[0] == 1

    def last_error(self) -> tuple[int, str]:
        return self.error

    def terminal_info(self) -> object:
        return SimpleNamespace(name="t", company="c", build=1, connected=True, path=self.folder)

    def account_info(self) -> object:
        return SimpleNamespace(login=1000001, server=self.server)

    def symbol_info_tick(self, symbol: str) -> object:
        return self.tick

    def order_send(self, *args: object, **kwargs: object) -> object:
        assert not args, "Unnamed arguments not allowed"
        self.orders.append(kwargs)
        return self.answers.pop(0) if self.answers else None

    def order_check(self, *args: object, **kwargs: object) -> object:
        assert not args, "Unnamed arguments not allowed"
        return self.checks.pop(0) if self.checks else None

    def history_deals_get(self, **kwargs: object) -> tuple[()]:
        return ()

    def copy_ticks_from(self, *args: object) -> None:
        return None


def test_an_order_goes_out_as_keywords_with_the_types_the_package_insists_on() -> None:
    module = Module()
    module.error = (-10002, "IPC recv failed")
    sent = Worker(module, LAUNCH).send(REQUEST)
    order = module.orders[0]
    assert [type(order[k]) for k in ("volume", "price", "sl", "tp")] == [float] * 4
    assert [type(order[k]) for k in ("magic", "deviation", "type", "position", "type_filling")] == [int] * 5
    assert (order["price"], sent.error, sent.retcode, sent.tick_time_msc) == (1.1, -10002, 0, 77)
    assert sent.sent_ns > 0


def test_an_order_whose_time_is_over_is_not_sent_at_all() -> None:
    module = Module()
    sent = Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, not_after_ms=1))
    assert (sent.error, module.orders) == (EXPIRED, [])


def test_an_order_for_an_account_that_was_left_meanwhile_is_not_sent_at_all() -> None:
    module = Module()
    request = msgspec.structs.replace(REQUEST, login=module.account_info().login + 1)
    assert (Worker(module, LAUNCH).send(request).error, module.orders) == (OTHER_ACCOUNT, [])
    Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, login=module.account_info().login))
    assert len(module.orders) == 1


def test_the_path_is_always_given_and_no_password_ever() -> None:
    module = Module()
    opened = Worker(module, LAUNCH).open()
    assert module.opened == {"path": "/mt5/terminal64.exe", "timeout": 5}
    assert (opened.simulated, opened.replay) == (False, False)


def test_a_failure_of_mt5_is_a_reply_with_its_code() -> None:
    module = Module()
    module.error = (-6, "Terminal: Authorization failed")
    reply = Worker(module, LAUNCH).answer(Call(3, "open"))
    assert (reply.id, reply.error, reply.text) == (3, -6, "Terminal: Authorization failed")


def test_an_unknown_symbol_is_no_answer_for_it_alone_and_a_dead_pipe_is_one_for_all() -> None:
    module = Module()
    module.error = (-4, "Terminal: Not found")
    worker = Worker(module, LAUNCH)
    assert worker.ticks((TickRead("NOPE", 1, 1),)) == (None,)
    module.error = (-10001, "IPC send failed")
    with pytest.raises(Fault):
        worker.ticks((TickRead("EURUSD", 1, 1),))


def test_without_a_quote_no_order_is_sent() -> None:
    module = Module()
    module.tick = None
    module.error = (-4, "Terminal: Not found")
    with pytest.raises(Fault):
        Worker(module, LAUNCH).send(REQUEST)
    assert module.orders == []


def retcode(number: int) -> object:
    return SimpleNamespace(retcode=number, deal=1, order=2, volume=0.1, price=1.1, comment="")


def test_no_call_of_an_order_function_in_this_package_passes_a_dict() -> None:
    package = Path(metatrader_connector.__file__).parent
    calls = [
        node
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("order_send", "order_check")
    ]
    assert calls
    assert not [ast.unparse(call) for call in calls if call.args]


def test_a_filling_mode_that_order_check_rules_out_is_not_sent() -> None:
    module = Module()
    module.checks, module.answers = [retcode(10030)], [retcode(10009)]
    sent = Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, fillings=(1, 0)))
    assert ([order["type_filling"] for order in module.orders], sent.retcode, sent.filling) == ([0], 10009, 0)


def test_a_filling_mode_the_broker_does_not_take_is_followed_by_the_next() -> None:
    module = Module()
    module.answers = [retcode(10030), retcode(10009)]
    sent = Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, fillings=(1, 2)))
    assert ([order["type_filling"] for order in module.orders], sent.retcode, sent.filling) == ([1, 2], 10009, 2)


@pytest.mark.parametrize("answer", [None, retcode(10012), retcode(10004)])
def test_after_any_other_answer_nothing_is_sent_again(answer) -> None:
    module = Module()
    module.answers = [answer]
    Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, fillings=(0, 1, 2)))
    assert len(module.orders) == 1


def test_a_filling_mode_that_no_broker_takes_is_told_after_all_were_tried() -> None:
    module = Module()
    module.answers = [retcode(10030)] * 3
    sent = Worker(module, LAUNCH).send(msgspec.structs.replace(REQUEST, fillings=(0, 1, 2)))
    assert (sent.retcode, len(module.orders)) == (10030, 3)


def test_the_same_account_number_at_another_server_and_another_terminal_get_no_order() -> None:
    module = Module()
    worker = Worker(module, LAUNCH)
    request = msgspec.structs.replace(REQUEST, login=1000001, server="Broker-Demo")
    module.server = "Broker-Live"
    assert worker.send(request).error == OTHER_ACCOUNT
    module.server, module.folder = "Broker-Demo", "/other"
    assert "/other" in worker.send(request).text
    assert module.orders == []
    module.folder = "/mt5"
    worker.send(request)
    assert len(module.orders) == 1


def test_a_terminal_that_is_not_the_one_of_the_settings_is_not_opened() -> None:
    module = Module()
    module.folder = "/other"
    reply = Worker(module, LAUNCH).answer(Call(1, "open"))
    assert (reply.error, "/other" in reply.text) == (OTHER_TERMINAL, True)


def test_folders_are_compared_as_windows_does() -> None:
    assert same_folder("C:\\Program Files\\MT5", "c:/program files/mt5/terminal64.exe")
    assert not same_folder("C:\\MT5", "D:\\MT5\\terminal64.exe")


def test_the_traders_own_switch_is_looked_at_right_before_the_order(tmp_path) -> None:
    switch = tmp_path / "halt"
    module = Module()
    worker = Worker(module, msgspec.structs.replace(LAUNCH, halt_file=str(switch)))
    switch.write_text("")
    closing = msgspec.structs.replace(REQUEST, position=7)
    assert [worker.send(r).error for r in (REQUEST, closing)] == [HALTED, HALTED]
    switch.write_text("closing\n")
    assert worker.send(REQUEST).error == HALTED
    assert worker.send(closing).error != HALTED
    switch.unlink()
    worker.send(REQUEST)
    assert len(module.orders) == 2


class SlowReads(Module):
    def copy_ticks_from(self, *args: object) -> object:
        time.sleep(0.004)
        return SimpleNamespace(tobytes=lambda: b"")


def test_a_read_of_many_symbols_ends_early_so_that_an_order_can_go_in_between() -> None:
    worker = Worker(SlowReads(), LAUNCH)
    found = worker.ticks(tuple(TickRead(f"S{i}", 1, 1) for i in range(50)))
    assert 1 <= len(found) < 5

"""The terminal process calls MT5 as MT5 wants to be called: keywords for orders, floats as floats, a path always."""

from types import SimpleNamespace

import msgspec
import pytest

from metatrader_connector.domain.terminal import EXPIRED, OTHER_ACCOUNT, Call, Request, TickRead
from metatrader_connector.terminal_process import Fault, Worker

REQUEST = Request("EURUSD", 0.1, 0, 0, 10, 5, "ait-x", 0, 0.0, 0.0, 2**60, 2**62)


class Module:
    """As the real package: `order_send` refuses a positional dict when any keywords come with it."""

    COPY_TICKS_ALL, TRADE_ACTION_DEAL, ORDER_TYPE_BUY, ORDER_TIME_GTC = -1, 1, 0, 0

    def __init__(self) -> None:
        self.orders: list[dict[str, object]] = []
        self.opened: dict[str, object] = {}
        self.error = (1, "Success")
        self.tick: object = SimpleNamespace(bid=1.0, ask=1.1, time_msc=77)

    def initialize(self, *args: object, **kwargs: object) -> bool:
        assert not args
        self.opened = kwargs
        return self.error[0] == 1

    def last_error(self) -> tuple[int, str]:
        return self.error

    def terminal_info(self) -> object:
        return SimpleNamespace(name="t", company="c", build=1, connected=True)

    def account_info(self) -> object:
        return SimpleNamespace(login=1000001)

    def symbol_info_tick(self, symbol: str) -> object:
        return self.tick

    def order_send(self, *args: object, **kwargs: object) -> object:
        assert not args, "Unnamed arguments not allowed"
        self.orders.append(kwargs)
        return None

    def copy_ticks_from(self, *args: object) -> None:
        return None


def test_an_order_goes_out_as_keywords_with_the_types_the_package_insists_on() -> None:
    module = Module()
    module.error = (-10002, "IPC recv failed")
    sent = Worker(module, "/t", 1).send(REQUEST)
    order = module.orders[0]
    assert [type(order[k]) for k in ("volume", "price", "sl", "tp")] == [float] * 4
    assert [type(order[k]) for k in ("magic", "deviation", "type", "position", "type_filling")] == [int] * 5
    assert (order["price"], sent.error, sent.retcode, sent.tick_time_msc) == (1.1, -10002, 0, 77)
    assert sent.sent_ns > 0


def test_an_order_whose_time_is_over_is_not_sent_at_all() -> None:
    module = Module()
    sent = Worker(module, "/t", 1).send(msgspec.structs.replace(REQUEST, not_after_ms=1))
    assert (sent.error, module.orders) == (EXPIRED, [])


def test_an_order_for_an_account_that_was_left_meanwhile_is_not_sent_at_all() -> None:
    module = Module()
    request = msgspec.structs.replace(REQUEST, login=module.account_info().login + 1)
    assert (Worker(module, "/t", 1).send(request).error, module.orders) == (OTHER_ACCOUNT, [])
    Worker(module, "/t", 1).send(msgspec.structs.replace(REQUEST, login=module.account_info().login))
    assert len(module.orders) == 1


def test_the_path_is_always_given_and_no_password_ever() -> None:
    module = Module()
    opened = Worker(module, "/terminal64.exe", 5).open()
    assert module.opened == {"path": "/terminal64.exe", "timeout": 5}
    assert (opened.simulated, opened.replay) == (False, False)


def test_a_failure_of_mt5_is_a_reply_with_its_code() -> None:
    module = Module()
    module.error = (-6, "Terminal: Authorization failed")
    reply = Worker(module, "/t", 1).answer(Call(3, "open"))
    assert (reply.id, reply.error, reply.text) == (3, -6, "Terminal: Authorization failed")


def test_an_unknown_symbol_is_no_answer_for_it_alone_and_a_dead_pipe_is_one_for_all() -> None:
    module = Module()
    module.error = (-4, "Terminal: Not found")
    worker = Worker(module, "/t", 1)
    assert worker.ticks((TickRead("NOPE", 1, 1),)) == (None,)
    module.error = (-10001, "IPC send failed")
    with pytest.raises(Fault):
        worker.ticks((TickRead("EURUSD", 1, 1),))


def test_without_a_quote_no_order_is_sent() -> None:
    module = Module()
    module.tick = None
    module.error = (-4, "Terminal: Not found")
    with pytest.raises(Fault):
        Worker(module, "/t", 1).send(REQUEST)
    assert module.orders == []

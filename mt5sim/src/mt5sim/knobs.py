"""Faults a test can switch on: `mt5sim.faults.disconnect = True`, or `"faults": {...}` in the terminal's JSON."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

POLL_S = 0.01

Times = bool | int
""" True = until switched off; a number = for that many order_sends """


@dataclass(slots=True)
class Faults:
    """The knobs, all off. Set an attribute at any time, from any thread; `reset()` puts everything right again."""

    autotrading: bool = True
    """ False = the AutoTrading button is off: retcode 10027 """
    tradeapi_disabled: bool = False
    """ True = "disable trading via external Python API": order_send is None with -8 """
    disconnect: bool = False
    """ the broker link is lost: connected False, quotes freeze, trades are refused with 10031 """
    market_closed: bool = False
    """ outside the sessions: 10018 """
    pipe_dead: bool = False
    """ the terminal has died: every call fails with -10001 until `initialize` """
    lost_reply: Times = False
    """ the order is executed, order_send is None with -10002 """
    lost_request: Times = False
    """ nothing is executed, order_send is None with -10001 """
    retcode: int = 0
    """ not 0 = the broker answers every order_send with this code and executes nothing """
    slippage_points: int = 0
    """ market orders are filled this much worse than the quote """
    partial_fill: float = 0.0
    """ share of the volume that an IOC or RETURN order gets, answered with 10010; FOK takes all or nothing: all """
    latency_ms: float = 0.0
    """ order_send waits this long before it executes """
    reply_latency_ms: float = 0.0
    """ order_send waits this long after it has executed: the window in which a kill loses the answer """
    hang: bool | str = False
    """ True = every call blocks while set; a function's name = that function does """
    read_latency_ms: float = 0.0
    """ every call but initialize, login, shutdown, last_error and order_send waits this long first """
    connect_ms: float = 0.0
    """ how long initialize and login take; beyond their `timeout` they fail with -10005 when it is over """
    connect_error: int = 0
    """ not 0 = initialize and login fail with this code: -5 versions, -6 refused, -7 OTP, -10003 no terminal … """
    other_login: int = 0
    """ not 0 = somebody has logged the terminal in to this account meanwhile: account_info says so """
    maxbars: int = 100_000
    """ "Max bars in chart": no more are there, and asking for as many or more fails whole with -2 """

    def reset(self) -> None:
        for field in fields(self):
            setattr(self, field.name, field.default)

    def values(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def put(self, values: Mapping[str, Any]) -> None:
        """Set the named knobs; the others stay."""
        for name, value in values.items():
            setattr(self, name, value)

    def take(self, name: str) -> bool:
        """Whether a counted fault strikes now; uses up one of its times."""
        value: Times = getattr(self, name)
        if value is True or not value:
            return bool(value)
        setattr(self, name, value - 1)
        return True

    def wait_while_hung(self, function: str, poll: Callable[[], None]) -> None:
        """`poll` is called while waiting, because somebody outside may hold the release."""
        poll()
        while self.hang is True or self.hang == function:
            time.sleep(POLL_S)
            poll()


def pause(milliseconds: float) -> None:
    """Wait, or return at once: even a sleep of nothing gives the processor away."""
    if milliseconds > 0:
        time.sleep(milliseconds / 1000)


faults = Faults()
""" the process-wide knobs: like the real module, the simulator is one terminal per process """

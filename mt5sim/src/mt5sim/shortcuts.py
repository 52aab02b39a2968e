"""Buy, Sell and Close: the package's three helpers on top of order_send, with its habits.

They set no magic, no stops and no filling mode (0 is fill or kill), take no int for a volume, and break with a Python
error where a quote or the positions cannot be read: a script that gets by here gets by with the real ones.
"""

from typing import Any

from mt5sim import constants as c
from mt5sim.api_quotes import symbol_info_tick
from mt5sim.api_trade import order_send, positions_get
from mt5sim.structs import OrderSendResult

RETRIES = 10
DEVIATION = 10
AGAIN = (c.TRADE_RETCODE_REQUOTE, c.TRADE_RETCODE_PRICE_OFF)


def Buy(
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    """Buy at the price, or at the market in up to ten attempts. `ticket` names the position that it closes."""
    return _order(c.ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    """Sell at the price, or at the market in up to ten attempts. `ticket` names the position that it closes."""
    return _order(c.ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(symbol: str, *, comment: str | None = None, ticket: int | None = None) -> bool | str | None:
    """Close all positions of the symbol, whoever opened them, or one: True, "Partially", False; None = not sent."""
    positions: Any = positions_get(symbol=symbol) if ticket is None else positions_get(ticket=ticket)
    done = 0
    for position in positions:
        if symbol_info_tick(symbol) is None:
            return None
        result = _order(1 - position.type, symbol, position.volume, None, comment, position.ticket)
        if result is None:
            return None
        done += result.retcode == c.TRADE_RETCODE_DONE
    if not done:
        return False
    return True if done == len(positions) else "Partially"


def _order(
    side: int, symbol: str, volume: float, price: float | None, comment: str | None, ticket: int | None
) -> OrderSendResult | None:
    if price is not None:
        return _send(side, symbol, volume, price, comment, ticket)
    result: OrderSendResult | None = None
    for _ in range(RETRIES):
        tick: Any = symbol_info_tick(symbol)
        market = tick.ask if side == c.ORDER_TYPE_BUY else tick.bid
        result = _send(side, symbol, volume, market, comment, ticket)
        if result is None or result.retcode not in AGAIN:
            break
    return result


def _send(
    side: int, symbol: str, volume: float, price: float, comment: str | None, ticket: int | None
) -> OrderSendResult | None:
    request: dict[str, object] = {
        "action": c.TRADE_ACTION_DEAL, "symbol": symbol, "volume": volume, "type": side,
        "price": price, "deviation": DEVIATION,
    }  # fmt: skip
    if comment is not None:
        request["comment"] = comment
    if ticket is not None:
        request["position"] = ticket
    return order_send(**request)

"""Buy, Sell and Close: the package's three helpers on top of order_send."""

from mt5sim import constants as c
from mt5sim.api_quotes import symbol_info_tick
from mt5sim.api_trade import order_send, positions_get
from mt5sim.structs import OrderSendResult, TradePosition

RETRIES = 10
DEVIATION = 10
AGAIN = (c.TRADE_RETCODE_REQUOTE, c.TRADE_RETCODE_PRICE_OFF)


def Buy(
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    return _send(symbol, c.ORDER_TYPE_BUY, volume, price, comment, ticket)


def Sell(
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    return _send(symbol, c.ORDER_TYPE_SELL, volume, price, comment, ticket)


def Close(symbol: str, *, comment: str | None = None, ticket: int | None = None) -> bool | str | None:
    """Close every position of the symbol, or one ticket: True, "Partially", False, or None when nothing can be read."""
    positions = positions_get(ticket=ticket) if ticket is not None else positions_get(symbol=symbol)
    if positions is None:
        return None
    closed = sum(_close(position, comment) for position in positions)
    if closed == len(positions):
        return bool(closed)
    return "Partially" if closed else False


def _close(position: TradePosition, comment: str | None) -> bool:
    result = _send(position.symbol, 1 - position.type, position.volume, None, comment, position.ticket)
    return result is not None and result.retcode == c.TRADE_RETCODE_DONE


def _send(
    symbol: str, side: int, volume: float, price: float | None, comment: str | None, ticket: int | None
) -> OrderSendResult | None:
    result: OrderSendResult | None = None
    for _ in range(RETRIES):
        tick = symbol_info_tick(symbol)
        if tick is None:
            return None
        market = tick.ask if side == c.ORDER_TYPE_BUY else tick.bid
        request: dict[str, object] = {
            "action": c.TRADE_ACTION_DEAL, "symbol": symbol, "volume": float(volume), "type": side,
            "price": float(price if price is not None else market), "deviation": DEVIATION,
        }  # fmt: skip
        if comment is not None:
            request["comment"] = comment
        if ticket is not None:
            request["position"] = ticket
        result = order_send(**request)
        if result is None or result.retcode not in AGAIN:
            return result
    return result

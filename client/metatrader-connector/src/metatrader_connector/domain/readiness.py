"""Say in plain words what stands between an order and the market."""

from metatrader_connector.domain.terminal import Picture, SymbolFacts

TRADE_DISABLED, TRADE_CLOSE_ONLY = 0, 3
LONG_ONLY, SHORT_ONLY = 1, 2


def blocked_because(picture: Picture | None, down: str = "") -> str:
    """Empty when orders can go out."""
    if picture is None:
        return down or "the terminal is not running"
    if not picture.terminal.connected:
        return "MT5 has lost its connection to the broker"
    if picture.terminal.tradeapi_disabled:
        return "MT5 is set to refuse orders from Python (Tools, Options, Expert Advisors)"
    if not picture.terminal.trade_allowed:
        return "AutoTrading button is off in MT5"
    if not picture.account.trade_allowed:
        return "the broker does not allow trading on this account (or it was opened with the investor password)"
    if not picture.account.trade_expert:
        return "the broker does not allow automated trading on this account"
    return ""


def symbol_blocked_because(symbol: SymbolFacts, side: int, closing: bool) -> str:
    """What the broker forbids for this symbol and side (0 buy, 1 sell); empty when nothing."""
    if symbol.trade_mode == TRADE_DISABLED:
        return f"the broker has disabled trading {symbol.name}"
    if closing:
        return ""
    if symbol.trade_mode == TRADE_CLOSE_ONLY:
        return f"the broker only lets {symbol.name} be closed"
    if (symbol.trade_mode, side) in ((LONG_ONLY, 1), (SHORT_ONLY, 0)):
        return f"the broker does not let {symbol.name} be {'sold' if side else 'bought'}"
    return ""

"""Say in plain words what stands between an order and the market: every cause, not only the first."""

from metatrader_connector.domain.terminal import Picture, SymbolFacts

TRADE_DISABLED, TRADE_CLOSE_ONLY = 0, 3
LONG_ONLY, SHORT_ONLY = 1, 2


def causes(picture: Picture) -> tuple[str, ...]:
    """All that keeps this terminal and account from trading; each says what to do."""
    terminal, account = picture.terminal, picture.account
    found = []
    if not terminal.connected:
        found.append("MT5 has lost its connection to the broker")
    if terminal.tradeapi_disabled:
        found.append("MT5 is set to refuse orders from Python (Tools, Options, Expert Advisors)")
    if not terminal.trade_allowed:
        found.append("AutoTrading button is off in MT5")
    if terminal.connected and not account.trade_allowed:
        # without a connection the account's rights are not known
        found.append(
            "the broker does not allow trading on this account: it is read-only, or MT5 was logged in with the "
            "investor password; log in with the main password"
        )
    elif terminal.connected and not account.trade_expert:
        found.append("the broker does not allow automated trading on this account")
    return tuple(found)


def blocked_because(picture: Picture | None, down: str = "") -> str:
    """Empty when orders can go out."""
    if picture is None:
        return down or "the terminal is not running"
    return "; ".join(causes(picture))


def symbol_blocked_because(symbol: SymbolFacts, side: int, closing: bool, closed: bool = False) -> str:
    """What the broker forbids for this symbol and side (0 buy, 1 sell); empty when nothing. `closed`: its market is,
    for certain; a close is left to the broker, who knows better."""
    if symbol.trade_mode == TRADE_DISABLED:
        return f"the broker has disabled trading {symbol.name}"
    if closing:
        return ""
    if closed:
        return f"the market of {symbol.name} is closed at this hour"
    if symbol.trade_mode == TRADE_CLOSE_ONLY:
        return f"the broker only lets {symbol.name} be closed"
    if (symbol.trade_mode, side) in ((LONG_ONLY, 1), (SHORT_ONLY, 0)):
        return f"the broker does not let {symbol.name} be {'sold' if side else 'bought'}"
    return ""

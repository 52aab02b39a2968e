"""Which account at which broker the trader has agreed to trade; another one trades nothing until a person says so."""

import msgspec

DEMO, CONTEST, REAL = 0, 1, 2
MONEY = {DEMO: "a demo account", CONTEST: "a contest account", REAL: "real money"}
MARGIN = {0: "netting", 1: "exchange (netting)", 2: "hedging"}


class Identity(msgspec.Struct, frozen=True):
    """What tells one account from another. `margin_mode` and `trade_mode` are MT5's numbers."""

    login: int
    server: str
    margin_mode: int
    trade_mode: int


def strayed(agreed: Identity, seen: Identity) -> str:
    """What to tell when the terminal shows another account than the one that was agreed on; empty when it is that."""
    told = [
        f"{name} {before} → {after}"
        for name, before, after in (
            ("account", agreed.login, seen.login),
            ("server", agreed.server, seen.server),
            ("it keeps positions by", MARGIN.get(agreed.margin_mode, "?"), MARGIN.get(seen.margin_mode, "?")),
            ("it is", MONEY.get(agreed.trade_mode, "?"), MONEY.get(seen.trade_mode, "?")),
        )
        if before != after
    ]
    if not told:
        return ""
    return (
        f"MT5 shows another account than the one you agreed to trade ({'; '.join(told)}); log in to that one again, "
        "or agree on this PC: aitrading-client limits account"
    )

"""Which filling modes a market order may use, best first. Source: mql5.com, "Fill policy", by execution mode and mask.

The mask's bits (1 FOK, 2 IOC) are not the modes' numbers (0 FOK, 1 IOC, 2 RETURN); most 10030 come of mixing them up.
"""

from metatrader_connector.domain.terminal import SymbolFacts

FOK, IOC, RETURN = 0, 1, 2
MASK_FOK, MASK_IOC = 1, 2
EXEMODE_REQUEST, EXEMODE_INSTANT, EXEMODE_MARKET, EXEMODE_EXCHANGE = 0, 1, 2, 3


def fillings(symbol: SymbolFacts, worked: int | None = None) -> tuple[int, ...]:
    """Every mode, the documented ones first: brokers publish masks that are wrong, so a refused mode is followed by
    the next. `worked`: the mode this symbol took last; it goes first."""
    masked = tuple(mode for mode, bit in ((FOK, MASK_FOK), (IOC, MASK_IOC)) if symbol.filling_mode & bit)
    if symbol.trade_exemode == EXEMODE_MARKET:
        allowed = masked  # RETURN never
    elif symbol.trade_exemode == EXEMODE_EXCHANGE:
        allowed = (*masked, RETURN)
    else:  # all or nothing before a part, and a part before a rest that stays at the broker
        allowed = (*masked, *(mode for mode in (FOK, IOC) if mode not in masked), RETURN)
    found = (*allowed, *(mode for mode in (FOK, IOC, RETURN) if mode not in allowed))
    return found if worked is None else (worked, *(mode for mode in found if mode != worked))

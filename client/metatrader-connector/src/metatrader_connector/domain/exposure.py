"""What the account has at stake: lots in total, and what was lost in the broker's day."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from contracts.accounts import Side
from metatrader_connector.domain.terminal import PositionFacts

DAY_S = 86_400


def lots(volume: float) -> Decimal:
    """A volume or an amount of the terminal as a decimal; beyond eight digits there is only binary dust."""
    return Decimal(repr(round(volume, 8))).normalize() + Decimal(0)


def open_lots(
    positions: Iterable[PositionFacts], on_their_way: Iterable[tuple[str, Decimal]], *, hedging: bool
) -> Decimal:
    """Lots at stake. `on_their_way`: (symbol, lots, negative for a sale) of orders the positions may not show yet.

    Hedging adds all up, also against each other: each can be left alone by a stop. Netting counts what each symbol
    comes to.
    """
    signed = [(p.symbol, lots(p.volume) * (-1 if p.type else 1)) for p in positions]
    signed += on_their_way
    if hedging:
        return sum((abs(volume) for _, volume in signed), Decimal(0))
    net: dict[str, Decimal] = defaultdict(Decimal)
    for symbol, volume in signed:
        net[symbol] += volume
    return sum((abs(volume) for volume in net.values()), Decimal(0))


def signed_lots(side: Side, volume: Decimal) -> Decimal:
    """Lots with a sale's sign."""
    return volume if side is Side.BUY else -volume


def loss_today(earned: float, open_profit: float) -> Decimal:
    """What the broker's day has cost so far, in the account's currency; negative: it has earned.

    Closed trades of the day count as they are. Of open positions only a loss counts, and all of it, though a part may
    be of yesterday: a gain can be gone before it is closed.
    """
    return -(lots(earned) + min(Decimal(0), lots(open_profit)))


def day_start_s(broker_s: int) -> int:
    """When the broker's day began, broker seconds."""
    return broker_s - broker_s % DAY_S

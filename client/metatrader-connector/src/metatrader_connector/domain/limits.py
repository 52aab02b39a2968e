"""The trader's own limits: read from a file on this PC that no server can change."""

from decimal import Decimal

import msgspec

from client_security.domain.refusal import Refusal
from contracts.accounts import Side
from contracts.signals import MAX_SKEW_MS, Signal
from metatrader_connector.domain.hours import hours_of, minute_of_week, zone_fault
from metatrader_connector.domain.terminal import PositionFacts, SymbolFacts

ANY = "*"
LISTS = ("symbols", "trading_hours")
DUST = 1e-6
"""Binary dust of a price difference, in points."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this client may trade, whatever the server asks. Closing a position is always within the limits."""

    symbols: tuple[str, ...] = (ANY,)
    """Names, or `*` for every symbol that is streamed."""
    max_volume_per_order: Decimal = Decimal("1.00")
    """Lots."""
    orders_per_minute: int = 30
    max_quote_age_ms: int = 60_000
    """No order on a price that was heard longer ago."""
    max_volume_total: Decimal = Decimal("10.00")
    """Lots that may be open at once, whoever opened them; an order that would make them more is refused."""
    max_loss_per_day: Decimal = Decimal(0)
    """In the account's currency, over the broker's day: what was closed, and what open positions have lost. Once it is
    reached nothing is opened until the broker's next day. 0: no limit."""
    trading_hours: tuple[str, ...] = ()
    """Lines such as `Mon-Fri 08:00-17:30`; outside of them nothing is opened. Empty: always."""
    trading_hours_zone: str = "broker"
    """Whose clock the hours are of: `broker`, `utc`, or a name such as `Europe/Berlin`."""

    def __post_init__(self) -> None:
        if not self.max_volume_per_order > 0 or not self.max_volume_total > 0:
            raise ValueError("max_volume_per_order and max_volume_total must be more than 0")
        if self.orders_per_minute < 0 or self.max_quote_age_ms <= 0:
            raise ValueError("orders_per_minute must not be negative, max_quote_age_ms must be more than 0")
        if not self.max_loss_per_day >= 0:
            raise ValueError("max_loss_per_day must not be negative")
        hours_of(self.trading_hours)
        if fault := zone_fault(self.trading_hours_zone):
            raise ValueError(f"trading_hours_zone must be a time zone: {fault}")


def differences(before: Limits, after: Limits) -> list[str]:
    """What changed, for a person: `max_volume_per_order 1.00 → 50`."""
    return [
        f"{name} {_plain(getattr(before, name))} → {_plain(getattr(after, name))}"
        for name in Limits.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    ]


def _plain(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def changed_by(limits: Limits, wishes: dict[str, str]) -> Limits:
    """The limits with these values, written as a person writes them. ValueError says which can't be used."""
    values: dict[str, object] = msgspec.to_builtins(limits)
    for name, text in wishes.items():
        if name not in Limits.__struct_fields__:
            raise ValueError(f"there is no limit called {name}: use {', '.join(Limits.__struct_fields__)}")
        values[name] = [s.strip() for s in text.split(",") if s.strip()] if name in LISTS else text
    try:
        return msgspec.convert(values, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"this can't be a limit: {error}") from None


class Quote(msgspec.Struct, frozen=True):
    """The newest sane price of a symbol, and when it was heard."""

    bid: float
    ask: float
    heard_ms: int


def refusal_by_limits(signal: Signal, limits: Limits, sent_last_minute: int) -> Refusal | None:
    """What of the trader's limits forbids an order that opens a position; None when nothing does."""
    if 0 < signal.limits.max_volume < signal.volume:
        return Refusal(
            "volume_above_limit",
            f"{signal.volume} lots are more than the {signal.limits.max_volume} the server itself allows one order",
        )
    if signal.position:
        return None
    if ANY not in limits.symbols and signal.symbol not in limits.symbols:
        return Refusal("symbol_not_allowed", f"the trader's limits do not allow {signal.symbol}")
    if signal.volume > limits.max_volume_per_order:
        return Refusal(
            "volume_above_limit",
            f"{signal.volume} lots are more than the trader's limit of {limits.max_volume_per_order}",
        )
    if sent_last_minute >= limits.orders_per_minute:
        return Refusal(
            "trading_not_allowed", f"the trader's limit of {limits.orders_per_minute} orders a minute is used up"
        )
    return None


def refusal_by_hours(signal: Signal, limits: Limits, broker_zone: str, now_ms: int) -> Refusal | None:
    """Whether the trader wants nothing opened at this hour."""
    if signal.position or not limits.trading_hours:
        return None
    minute = minute_of_week(limits.trading_hours_zone, broker_zone, now_ms)
    if hours_of(limits.trading_hours).open_at(minute):
        return None
    return Refusal(
        "trading_not_allowed",
        f"it is outside of your trading hours ({', '.join(limits.trading_hours)}, {limits.trading_hours_zone} time)",
    )


def refusal_by_total(signal: Signal, limits: Limits, before: Decimal, after: Decimal) -> Refusal | None:
    """Whether too much would be open. `before`, `after`: lots at stake without and with the order; on a netting account
    an order may make them less."""
    if signal.position or after <= limits.max_volume_total or after <= before:
        return None
    return Refusal(
        "volume_above_limit",
        f"{after.normalize():f} lots would be open; the trader's limit in total is {limits.max_volume_total}",
    )


def refusal_by_loss(signal: Signal, limits: Limits, lost: Decimal | None, currency: str) -> Refusal | None:
    """Whether the broker's day has cost enough. `lost` None: not known, which is no reason to go on."""
    if signal.position or not limits.max_loss_per_day:
        return None
    if lost is None:
        return Refusal("trading_not_allowed", "what the day has cost so far was not read from the terminal yet")
    if lost < limits.max_loss_per_day:
        return None
    return Refusal(
        "trading_not_allowed",
        f"the day has cost {lost:.2f} {currency}; at the trader's limit of {limits.max_loss_per_day} nothing more is "
        "opened until the broker's next day",
    )


def refusal_by_position(signal: Signal, position: PositionFacts | None, on_its_way: Decimal) -> Refusal | None:
    """Why an order that says it closes does not close what the terminal shows; None when it does, or opens.

    What closes is free of the trader's limits, so the server's word for it is not enough: on a netting account an order
    against no position, or for more than it has, opens one. `on_its_way`: lots that earlier orders may have closed
    already and the terminal's picture does not show yet.
    """
    if not signal.position:
        return None
    if position is None or position.symbol != signal.symbol:
        return Refusal("not_a_close", f"the terminal has no open {signal.symbol} position {signal.position}")
    side = Side.SELL if position.type else Side.BUY
    left = Decimal(repr(round(position.volume, 8))) - on_its_way
    if side is signal.side or signal.volume > left:
        return Refusal(
            "not_a_close",
            f"{signal.side} {signal.volume} does not close position {signal.position}, "
            f"of which {side} {max(left, Decimal(0)).normalize():f} is left",
        )
    return None


def refusal_by_volume(volume: Decimal, symbol: SymbolFacts) -> Refusal | None:
    """Whether the broker takes this volume. Decimal all the way: 0.3 is three steps of 0.1."""
    step, least, most = (Decimal(str(v)) for v in (symbol.volume_step, symbol.volume_min, symbol.volume_max))
    if not volume.is_finite() or volume <= 0 or volume < least or volume > most:
        return Refusal("volume_step", f"{symbol.name} takes {least} to {most} lots, not {volume}")
    if step > 0 and (volume - least) % step != 0:
        return Refusal("volume_step", f"{symbol.name} takes volumes in steps of {step}, not {volume}")
    return None


def refusal_by_price(signal: Signal, quote: Quote | None, point: float, limits: Limits, now_ms: int) -> Refusal | None:
    """Whether the price the decision was made on still stands, as far as the signal allows it to have moved.

    `stale`: nobody knows where the price is now. `collar`: it is elsewhere.
    """
    if quote is None:
        return Refusal("stale", f"no price of {signal.symbol} was heard since the terminal was started")
    age = now_ms - quote.heard_ms
    if age > min(limits.max_quote_age_ms, signal.limits.max_quote_age_ms or limits.max_quote_age_ms):
        return Refusal("stale", f"the newest price of {signal.symbol} is {age / 1000:.1f} s old")
    if age < -MAX_SKEW_MS:
        return Refusal("stale", f"this PC's clock was set back since a price of {signal.symbol} was heard")
    if signal.price <= 0 or point <= 0:
        return None
    buying = signal.side.value == "BUY"
    moved = ((quote.ask if buying else quote.bid) - signal.price) / point
    worse = moved if buying else -moved
    if 0 < signal.deviation_points < worse - DUST:
        return Refusal(
            "collar",
            f"the price has moved {worse:.0f} points against the order since it was decided; "
            f"{signal.deviation_points} are allowed",
        )
    if 0 < signal.limits.collar_points < abs(moved) - DUST:
        return Refusal(
            "collar",
            f"the price is {abs(moved):.0f} points away from the one the order was decided on; "
            f"{signal.limits.collar_points} are allowed in either direction",
        )
    return None


def collar(signal: Signal, point: float) -> tuple[float, float]:
    """(lowest, highest) price the order may be sent at, for the last look before `order_send`; 0, 0: any."""
    reach = (signal.limits.collar_points + DUST) * point
    if signal.price <= 0 or point <= 0 or signal.limits.collar_points <= 0:
        return 0.0, 0.0
    return signal.price - reach, signal.price + reach

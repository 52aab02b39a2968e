"""Risk: rules as values. Each looks at one question and answers nothing, or why not, with its numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from contracts.accounts import AccountState, Instrument, Position, Side
from contracts.limits import RiskLimits
from contracts.ticks import Mark

NO_SYMBOL = ("no symbol",)


class Limits(msgspec.Struct, frozen=True):
    """What the operator allows. An empty `allowed_symbols` allows every symbol the account has."""

    allowed_symbols: tuple[str, ...] = ()
    max_volume: Decimal = Decimal(1)
    max_price_age_ms: int = 5_000
    max_account_age_ms: int = 60_000
    max_orders_per_minute: int = 30
    """ per account and strategy """
    max_command_age_ms: int = 10_000


@dataclass(slots=True)
class LimitBook:
    """The strictest of what the operator's settings, the tenant and the account allow. Ask `of` before each order."""

    base: Limits
    """The operator's: nothing that people decide is above it."""
    set_by_people: dict[tuple[str, str], RiskLimits] = field(default_factory=dict)
    """ tenant, account ("": every account of the tenant) -> their limits """

    def of(self, tenant: str, account: str) -> Limits:
        """What holds for an account now."""
        held = self.base
        for key in ((tenant, ""), (tenant, account)):
            if (stricter := self.set_by_people.get(key)) is not None:
                held = _tightened(held, stricter)
        return held


def _tightened(limits: Limits, by: RiskLimits) -> Limits:
    allowed, symbols = limits.allowed_symbols, by.allowed_symbols
    if symbols:
        # nothing in common: a name that no symbol has, because an empty list would allow all
        allowed = tuple(s for s in symbols if not allowed or s in allowed) or NO_SYMBOL
    return msgspec.structs.replace(
        limits,
        allowed_symbols=allowed,
        max_volume=limits.max_volume if by.max_volume is None else min(limits.max_volume, by.max_volume),
        max_orders_per_minute=limits.max_orders_per_minute
        if by.max_orders_per_minute is None
        else min(limits.max_orders_per_minute, by.max_orders_per_minute),
    )


class Quote(msgspec.Struct, frozen=True):
    """The tick a decision was made on."""

    epoch: int
    seq: int
    received_ms: int
    bid: float
    ask: float
    marks: int


class Question(msgspec.Struct, frozen=True):
    """All that a rule may look at."""

    now_ms: int
    symbol: str
    side: Side
    volume: Decimal
    position: int
    """Ticket of the position to close; 0 takes new risk."""
    quote: Quote | None
    account: AccountState | None
    paused: str | None
    """Why the tenant is paused; None when it is not."""
    in_flight: str
    """An order of the same account, strategy and symbol that has no answer yet; empty when there is none."""
    filled_ms: int
    """When the terminal last reported a fill of this symbol, connector's clock; 0 when none is known."""
    orders_last_minute: int
    asked_ms: int
    """When a person gave the command; `now_ms` for a strategy."""
    store_available: bool = True
    suspended: bool = False
    """The whole tenant: not even a position is closed from here."""


class Approved(msgspec.Struct, frozen=True):
    """No rule objects."""


class Refused(msgspec.Struct, frozen=True):
    """A rule objects: `code` for counters, `reason` for people."""

    code: str
    reason: str


PAST = Mark.LATE | Mark.BACKFILLED
"""Marks of ticks that tell what was, not what is."""


def is_old(quote: Quote, now_ms: int, limits: Limits) -> bool:
    """The tick warms strategies up, but what they ask for because of it comes too late.

    A tick from the future is not old: a clock is wrong, and `price_fresh` says so to whoever reads the orders.
    """
    return bool(quote.marks & PAST) or now_ms - quote.received_ms > limits.max_price_age_ms


Rule = Callable[[Question, Limits], Refused | None]


def store_answers(q: Question, _: Limits) -> Refused | None:
    if q.store_available:
        return None
    return Refused("store_unavailable", "the database does not take orders now; wait until it is back")


def command_fresh(q: Question, limits: Limits) -> Refused | None:
    age = q.now_ms - q.asked_ms
    if age <= limits.max_command_age_ms:
        return None
    return Refused(
        "command_too_old",
        f"the command was given {age} ms ago, at most {limits.max_command_age_ms} ms are allowed; give it again",
    )


def symbol_allowed(q: Question, limits: Limits) -> Refused | None:
    if not limits.allowed_symbols or q.symbol in limits.allowed_symbols:
        return None
    return Refused("symbol_not_allowed", f"{q.symbol} is not among {', '.join(limits.allowed_symbols)}")


def not_suspended(q: Question, _: Limits) -> Refused | None:
    if not q.suspended:
        return None
    return Refused("tenant_suspended", "this organisation is suspended; ask whoever runs the platform")


def not_paused(q: Question, _: Limits) -> Refused | None:
    if q.paused is None or q.position:
        return None
    return Refused("paused", f"trading is paused ({q.paused}); resume it to take new risk")


def account_known(q: Question, limits: Limits) -> Refused | None:
    if q.account is None:
        return Refused("account_unknown", "the account has not reported yet; start its terminal")
    age = q.now_ms - q.account.taken_ms
    if age > limits.max_account_age_ms:
        return Refused(
            "account_stale",
            f"the account last reported {age} ms ago, at most {limits.max_account_age_ms} ms are allowed",
        )
    return None


def account_has_the_fill(q: Question, _: Limits) -> Refused | None:
    taken = _known(q.account).taken_ms
    if taken > q.filled_ms:
        return None
    return Refused(
        "account_not_reconciled",
        f"the account's picture is {q.filled_ms - taken} ms older than the last fill of {q.symbol}; wait for the next",
    )


def terminal_may_trade(q: Question, _: Limits) -> Refused | None:
    account = _known(q.account)
    if not account.connected:
        return Refused("terminal_not_connected", "the terminal does not reach its broker")
    if not account.trade_allowed:
        return Refused("trading_not_allowed", account.trade_blocked_because or "the terminal does not allow trading")
    return None


def price_fresh(q: Question, limits: Limits) -> Refused | None:
    if q.quote is None:
        return Refused("no_price", f"no price of {q.symbol} has arrived yet")
    if q.quote.marks & PAST:
        return Refused("stale_price", f"the price of {q.symbol} is from the past: it came late or from history")
    age = q.now_ms - q.quote.received_ms
    if abs(age) > limits.max_price_age_ms:
        return Refused(
            "stale_price",
            f"the price of {q.symbol} is {age} ms old, at most {limits.max_price_age_ms} ms are allowed",
        )
    return None


def quote_sane(q: Question, _: Limits) -> Refused | None:
    quote = q.quote
    if quote is None or 0 < quote.bid <= quote.ask:
        return None
    return Refused("crossed_quote", f"bid {quote.bid} and ask {quote.ask} of {q.symbol} are not a market")


def volume_fits(q: Question, limits: Limits) -> Refused | None:
    instrument = instrument_of(_known(q.account), q.symbol)
    if instrument is None:
        return Refused("symbol_unknown", f"the account has no instrument {q.symbol}")
    lowest, step = instrument.volume_min, instrument.volume_step
    if not q.volume.is_finite() or q.volume <= 0 or q.volume < lowest:
        return Refused("volume_below_minimum", f"{q.volume} lots are below the minimum of {lowest}")
    highest = min(limits.max_volume, instrument.volume_max)
    if q.volume > highest:
        return Refused("volume_above_limit", f"{q.volume} lots are above the limit of {highest}")
    # steps are counted from zero, as the terminal does; never rounded: nobody asked for another volume
    if step > 0 and q.volume % step:
        return Refused("volume_step", f"{q.volume} lots are not a multiple of {step}")
    return None


def closes_what_is_open(q: Question, _: Limits) -> Refused | None:
    if not q.position:
        return None
    position = position_of(_known(q.account), q.position)
    if position is None or position.symbol != q.symbol:
        return Refused("position_not_open", f"the account has no open {q.symbol} position {q.position}")
    if position.side is q.side or q.volume > position.volume:
        return Refused(
            "not_a_close",
            f"{q.side} {q.volume} does not close position {q.position}, which is {position.side} {position.volume}",
        )
    return None


def one_in_flight(q: Question, _: Limits) -> Refused | None:
    if not q.in_flight:
        return None
    return Refused("order_in_flight", f"order {q.in_flight} has no answer yet")


def rate_kept(q: Question, limits: Limits) -> Refused | None:
    if q.orders_last_minute < limits.max_orders_per_minute:
        return None
    return Refused(
        "too_many_orders",
        f"{q.orders_last_minute} orders in the last minute, {limits.max_orders_per_minute} are allowed",
    )


RULES: tuple[Rule, ...] = (
    store_answers,
    command_fresh,
    symbol_allowed,
    not_suspended,
    not_paused,
    account_known,
    terminal_may_trade,
    price_fresh,
    quote_sane,
    volume_fits,
    one_in_flight,
    account_has_the_fill,
    closes_what_is_open,
    rate_kept,
)
"""All rules, in the order they are asked; the first objection is the answer. Rules after `account_known` have one."""


def assess(question: Question, limits: Limits) -> Approved | Refused:
    """Approved, or the first objection."""
    for rule in RULES:
        if (refused := rule(question, limits)) is not None:
            return refused
    return Approved()


def instrument_of(account: AccountState, symbol: str) -> Instrument | None:
    """The symbol's contract on this account."""
    return next((i for i in account.instruments if i.symbol == symbol), None)


def position_of(account: AccountState, ticket: int) -> Position | None:
    """The open position with this ticket."""
    return next((p for p in account.positions if p.ticket == ticket), None)


def _known(account: AccountState | None) -> AccountState:
    assert account is not None, "account_known is asked first"
    return account

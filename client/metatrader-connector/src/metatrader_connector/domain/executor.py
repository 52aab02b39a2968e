"""The life of an order at the terminal: journaled, sent once, answered, or searched for until it is found or absent.

SENDING --answer--> FILLED | PARTIALLY_FILLED | REJECTED | UNKNOWN
SENDING --crash, hang--> UNKNOWN --search--> FILLED | PARTIALLY_FILLED | NOT_SENT
another client's, or older than the journal --> UNKNOWN --search--> FILLED | PARTIALLY_FILLED | NOT_SENT
No transition leads back to sending.
"""

from decimal import Decimal
from enum import Enum

import msgspec

from contracts.accounts import Side
from contracts.executions import Execution, ExecutionState
from contracts.signals import MAX_LIFETIME_MS, Signal
from metatrader_connector.domain.exposure import lots
from metatrader_connector.domain.filling import fillings
from metatrader_connector.domain.limits import collar
from metatrader_connector.domain.retcodes import PARTIAL, Meaning, meaning, sentence
from metatrader_connector.domain.terminal import DealFacts, Findings, Request, Sent, SymbolFacts

ABSENT_READS = 2
BUY, SELL = 0, 1
ENDED_STATES = frozenset({2, 5, 6})
"""ORDER_STATE_CANCELED, _REJECTED, _EXPIRED: nothing of the order is at work any more."""
CLOCK_SLACK_MS = 5_000
"""A deal this much before the sending time may still be ours: the broker's clock is not this PC's."""


class Entry(msgspec.Struct, frozen=True):
    """One order in the journal."""

    signal: Signal
    state: ExecutionState
    received_ms: int
    verified_ms: int
    journaled_ms: int
    decided_us: int = 0
    """Signal received to `order_send` entered."""
    sent_ms: int = 0
    answered_ms: int = 0
    tick_time_msc: int = 0
    hedging: bool = True
    sending: bool = True
    """`order_send` may be under way or its answer lost: on a start this is resolved by searching, never by sending."""
    absent_reads: int = 0
    key_id: str = ""
    """The key that signed it: signals of one key rise by number."""


class Outcome(msgspec.Struct, frozen=True):
    """What is known about an order now."""

    state: ExecutionState
    code: str
    reason: str
    filled: Decimal = Decimal(0)
    price: float = 0.0
    retcode: int = 0
    ticket: int = 0
    deal: int = 0
    position: int = 0


def earliest_ms(entry: Entry) -> int:
    """The first moment at which it may have been sent, by whomever, UTC ms."""
    return entry.sent_ms or entry.journaled_ms or min(entry.received_ms, entry.signal.issued_ms)


def latest_ms(entry: Entry) -> int:
    """The last moment at which it may have been sent, by whomever, UTC ms."""
    if entry.journaled_ms:
        return entry.sent_ms or entry.journaled_ms
    # not by us: every client looks at the end of its life right before `order_send`. By this PC's clock, which may be
    # wrong here, it was issued before it came and lives no longer than any signal may
    signal = entry.signal
    return entry.received_ms + min(max(0, signal.expires_ms - signal.issued_ms), MAX_LIFETIME_MS)


def request_of(
    signal: Signal,
    symbol: SymbolFacts,
    lease_until_ns: int,
    login: int = 0,
    server: str = "",
    worked: int | None = None,
) -> Request:
    """The market order of a signal. A close is a deal of the opposite side on the position's ticket.

    `worked`: the filling mode that this symbol took last.
    """
    lowest, highest = collar(signal, symbol.point)
    return Request(
        signal.symbol,
        float(signal.volume),
        BUY if signal.side is Side.BUY else SELL,
        fillings(symbol, worked),
        signal.deviation_points,
        signal.magic,
        signal.comment,
        signal.position,
        float(signal.sl),
        float(signal.tp),
        signal.expires_ms,
        lease_until_ns,
        lowest,
        highest,
        login,
        server,
        worked is not None,
    )


def answered(entry: Entry, sent: Sent, rest_stays: bool = False) -> Outcome:
    """What the terminal's answer to `order_send` means. `rest_stays`: with filling RETURN what was not filled at once
    stays at the broker and may still be."""
    kind = meaning(sent.retcode, sent.error)
    code = f"retcode_{sent.retcode}" if sent.retcode else f"error_{sent.error}"
    if kind is Meaning.UNKNOWN:
        reason = sentence(sent.retcode, sent.error, sent.text) + "; the broker's books are being searched"
        return Outcome(ExecutionState.UNKNOWN, code, reason, retcode=sent.retcode, ticket=sent.order)
    if kind is Meaning.REFUSED:
        return Outcome(
            ExecutionState.REJECTED, code, sentence(sent.retcode, sent.error, sent.text), retcode=sent.retcode
        )
    volume = lots(sent.volume) or entry.signal.volume
    partly = sent.retcode == PARTIAL or volume < entry.signal.volume
    deals = [deal for deal in sent.deals if deal.order == sent.order]
    position = entry.signal.position or (deals[0].position_id if deals else 0) or (sent.order if entry.hedging else 0)
    if partly and rest_stays:
        reason = f"{volume} of {entry.signal.volume} lots are filled, the rest is still at the broker"
        return Outcome(ExecutionState.UNKNOWN, "partial", reason, volume, sent.price, sent.retcode, sent.order)
    return Outcome(
        ExecutionState.PARTIALLY_FILLED if partly else ExecutionState.FILLED,
        "done",
        f"only {volume} of {entry.signal.volume} lots were filled" if partly else "",
        volume,
        sent.price or _mean_price(deals),
        sent.retcode,
        sent.order,
        sent.deal or (deals[0].ticket if deals else 0),
        position,
    )


class Trace(Enum):
    """What a search says about an order."""

    FOUND = "found"
    WORKING = "working"  # it is at the broker, not filled yet
    SUSPECT = "suspect"  # something there could be it, stripped of its marks: never guess
    ENDED = "ended"  # the broker ended it, and no deal of it is known
    ABSENT = "absent"


def _ours(entry: Entry, magic: int, comment: str) -> bool:
    # the magic is 62 bits of the signal's id; a broker may strip it or cut the comment's end, not invent either
    own = entry.signal.comment
    return magic == entry.signal.magic or (len(comment) >= 16 and own.startswith(comment)) or comment.startswith(own)


def _like_ours(entry: Entry, symbol: str, side: int, time_msc: int, sent_broker_ms: int) -> bool:
    mine = BUY if entry.signal.side is Side.BUY else SELL
    return symbol == entry.signal.symbol and side == mine and time_msc >= sent_broker_ms - CLOCK_SLACK_MS


def trace(entry: Entry, found: Findings, sent_broker_ms: int) -> tuple[Trace, list[DealFacts], int]:
    """(what the search says, the order's deals, its ticket). `sent_broker_ms`: the sending time in broker time."""
    signal = entry.signal
    deals = [d for d in found.deals if _ours(entry, d.magic, d.comment) and d.symbol == signal.symbol]
    if deals:
        return Trace.FOUND, deals, deals[0].order
    ended = 0
    for order in (*found.orders, *found.history):
        if _ours(entry, order.magic, order.comment) and order.symbol == signal.symbol:
            by_ticket = [d for d in found.deals if d.order == order.ticket]
            if by_ticket:
                return Trace.FOUND, by_ticket, order.ticket
            if order.state not in ENDED_STATES:
                return Trace.WORKING, [], order.ticket
            ended = order.ticket
    for position in found.positions:
        if _ours(entry, position.magic, position.comment) and position.symbol == signal.symbol:
            # its deal is not in the history yet: the next search will have it
            return Trace.WORKING, [], position.identifier
    if ended:
        return Trace.ENDED, [], ended
    for deal in found.deals:
        stripped = deal.magic == 0 and not deal.comment.startswith("ait-")
        same = _like_ours(entry, deal.symbol, deal.type, deal.time_msc, sent_broker_ms)
        if stripped and same and lots(deal.volume) <= signal.volume:
            return Trace.SUSPECT, [], deal.order
    return Trace.ABSENT, [], 0


def looked(
    entry: Entry, found: Findings, sent_broker_ms: int, now_ms: int, not_sent_after_ms: int
) -> tuple[Entry, Outcome | None]:
    """The entry after a search, and what is known now; None: still not known, search again.

    Absent, or ended without a deal, counts only while the terminal reached its broker, after the order had time to
    arrive, twice in a row.
    """
    what, deals, ticket = trace(entry, found, sent_broker_ms)
    if what is Trace.FOUND:
        filled = sum((lots(deal.volume) for deal in deals), Decimal(0))
        partly = filled < entry.signal.volume
        if partly and any(order.ticket == ticket for order in found.orders):
            return msgspec.structs.replace(entry, absent_reads=0), None  # its rest still works
        outcome = Outcome(
            ExecutionState.PARTIALLY_FILLED if partly else ExecutionState.FILLED,
            "found",
            f"only {filled} of {entry.signal.volume} lots were filled" if partly else "",
            filled,
            _mean_price(deals),
            0,
            ticket,
            deals[0].ticket,
            deals[0].position_id,
        )
        return entry, outcome
    still_coming = now_ms - latest_ms(entry) < not_sent_after_ms
    if what not in (Trace.ABSENT, Trace.ENDED) or not found.connected or still_coming:
        return msgspec.structs.replace(entry, absent_reads=0), None
    reads = entry.absent_reads + 1
    if reads < ABSENT_READS:
        return msgspec.structs.replace(entry, absent_reads=reads), None
    if what is Trace.ENDED:
        return entry, Outcome(ExecutionState.REJECTED, "not_filled", "the broker ended it unfilled", ticket=ticket)
    reason = "the broker's positions, orders and deals do not have it; it will not be sent again"
    return entry, Outcome(ExecutionState.NOT_SENT, "not_found", reason)


def overdue(entry: Entry, found: Findings, now_ms: int) -> int:
    """Ticket of what rests of the order at the broker although its time is over; 0: nothing does."""
    if now_ms < entry.signal.expires_ms:
        return 0
    what, _, ticket = trace(entry, found, 0)
    resting = what in (Trace.FOUND, Trace.WORKING) and any(order.ticket == ticket for order in found.orders)
    return ticket if resting else 0


def _mean_price(deals: list[DealFacts]) -> float:
    total = sum(deal.volume for deal in deals)
    return sum(deal.price * deal.volume for deal in deals) / total if total else 0.0


def execution(entry: Entry, outcome: Outcome, epoch: int, tick_time_msc: int = 0) -> Execution:
    """The report of an outcome; the journal gives it its number."""
    signal = entry.signal
    return Execution(
        signal.tenant,
        signal.account,
        epoch,
        0,
        signal.id,
        signal.order_id,
        outcome.state,
        outcome.code,
        outcome.reason,
        signal.symbol,
        signal.side,
        signal.volume,
        outcome.filled,
        outcome.price,
        outcome.retcode,
        outcome.ticket,
        outcome.deal,
        outcome.position or signal.position,
        entry.received_ms,
        entry.verified_ms,
        entry.journaled_ms,
        entry.sent_ms,
        entry.answered_ms,
        tick_time_msc or entry.tick_time_msc,
        entry.decided_us,
        signal.correlation_id,
    )

"""What the broker does without being asked, in the order in which it happens: by the tick and by the clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mt5sim import constants as c
from mt5sim.config import STOP_OUT_MODES, Account
from mt5sim.execution import Desk, Fill
from mt5sim.feed import Feed
from mt5sim.knobs import Faults
from mt5sim.ledger import Change, Ledger
from mt5sim.overnight import NEVER, fall_due, next_due
from mt5sim.pending import ended
from mt5sim.profiles import SymbolProfile
from mt5sim.protection import Trigger, Window, first_order, first_stop, first_stop_out
from mt5sim.records import changed
from mt5sim.rules import STOP_LIMITS
from mt5sim.structs import TradeOrder
from mt5sim.valuation import Quote, Valuation
from mt5sim.verdict import Case, Refusal


@dataclass(frozen=True, slots=True)
class Event:
    """The next thing that happens; `trigger` None = the clock does it."""

    msc: int
    """ broker time by the market's order of events """
    trigger: Trigger | None = None
    now_msc: int = 0
    """ the broker's clock when it was looked for """


@dataclass(slots=True)
class Watch:
    """Ask `next_event`, write what `change` makes of it, tell `passed`, and ask again until there is none."""

    account: Account
    profiles: dict[str, SymbolProfile]
    feeds: Mapping[str, Feed]
    valuation: Valuation
    _due: tuple[Ledger | None, int, int] = (None, -1, NEVER)
    """ books, their version, and when their clock strikes next """

    def idle(self, ledger: Ledger) -> bool:
        """Whether nothing can happen, because there is nothing to act on."""
        return not ledger.positions and not ledger.pending

    def next_event(self, ledger: Ledger, now_msc: int) -> Event | None:
        """The earliest event up to now. Of two at the same moment the clock's comes first, then orders, then stops."""
        windows = {
            symbol: self._window(symbol, feed)
            for symbol, feed in self.feeds.items()
            if feed.checked < feed.visible and self._concerns(ledger, symbol)
        }
        found: list[tuple[int, int, Trigger]] = []
        for symbol, window in windows.items():
            orders = (order for order in ledger.pending.values() if order.symbol == symbol)
            positions = (position for position in ledger.positions.values() if position.symbol == symbol)
            for rank, trigger in enumerate((first_order(orders, window), first_stop(positions, window))):
                if trigger is not None:
                    found.append((int(window.msc[trigger.offset]), trigger.offset * 2 + rank, trigger))
        stop_out = self._stop_out(ledger, windows)
        if stop_out is not None:
            # one tick may reach a stop loss and the stop-out level: the stop loss is older
            found.append((int(windows[stop_out.symbol].msc[stop_out.offset]), stop_out.offset * 2 + 1, stop_out))
        first = min(found, key=lambda row: row[:2], default=None)
        due = self._next_due(ledger)
        if due <= now_msc and (first is None or due <= first[0]):
            return Event(due, None, now_msc)
        return None if first is None else Event(first[0], first[2], now_msc)

    def change(self, ledger: Ledger, event: Event) -> Change:
        """What the event does to the books. Raises ArithmeticError while a currency cannot be converted."""
        msc = max(event.msc, ledger.last_msc)
        valuation = replace(self.valuation, quote=lambda symbol: self._quote_at(symbol, event))
        desk = Desk(ledger, valuation)
        if event.trigger is None:
            return fall_due(desk, self.profiles, event.msc, msc, self._quiet_until(event))
        position = event.trigger.position
        if position is None:
            assert event.trigger.order is not None
            return self._order_reached(desk, event.trigger.order, msc)
        quote = valuation.quote(position.symbol)
        if quote is None:
            raise ArithmeticError(f"no price for {position.symbol}")
        fill = Fill(
            1 - position.type, position.volume, quote.to_close(position.type), msc, position.magic,
            event.trigger.comment, event.trigger.reason,
        )  # fmt: skip
        return desk.close(self.profiles[position.symbol], position, fill)

    def passed(self, event: Event) -> None:
        """The market has gone on to this event; what comes at the same moment is still looked at."""
        for symbol, feed in self.feeds.items():
            if event.trigger is not None and event.trigger.symbol == symbol:
                feed.checked += event.trigger.offset
            else:
                feed.checked = min(feed.visible, max(feed.checked, feed.tape.first_at(event.msc)))

    def _order_reached(self, desk: Desk, order: TradeOrder, msc: int) -> Change:
        if order.type in STOP_LIMITS:
            limit = order.type - c.ORDER_TYPE_BUY_STOP_LIMIT + c.ORDER_TYPE_BUY_LIMIT
            return Change(orders=(changed(order, type=limit, price_open=order.price_stoplimit, price_stoplimit=0.0),))
        case = Case(desk, self.account, Faults(), msc)
        profile, quote = self.profiles[order.symbol], desk.valuation.quote(order.symbol)
        ledger = desk.ledger
        target = next((p for p in ledger.positions.values() if p.identifier == order.position_id), None)
        if case.netting:
            target = ledger.position_of(order.symbol)
        elif target is None and order.position_id:
            # the rest of an order whose position is gone meanwhile
            return Change(orders=(ended(order, c.ORDER_STATE_CANCELED, msc),))
        if quote is None:
            raise ArithmeticError(f"no price for {order.symbol}")
        fill = Fill.of_order(order, quote.to_open(order.type % 2), msc)
        outcome = case.execute(profile, target, fill, quote)
        if isinstance(outcome, Refusal):
            return Change(orders=(ended(order, c.ORDER_STATE_REJECTED, msc),))
        return outcome.change

    def _stop_out(self, ledger: Ledger, windows: dict[str, Window]) -> Trigger | None:
        if not windows or not ledger.positions or not self.account.stop_out:
            return None
        before = replace(self.valuation, quote=self._quote_before)
        in_money = STOP_OUT_MODES[self.account.stop_out_mode] == c.ACCOUNT_STOPOUT_MODE_MONEY
        return first_stop_out(ledger, before, windows, self.account.stop_out, in_money=in_money)

    def _concerns(self, ledger: Ledger, symbol: str) -> bool:
        return symbol in self.profiles and any(
            row.symbol == symbol for rows in (ledger.positions, ledger.pending) for row in rows.values()
        )

    def _window(self, symbol: str, feed: Feed) -> Window:
        part = slice(feed.checked, feed.visible)
        return Window.of(self.profiles[symbol], feed.tape.ticks[part], feed.tape.newest_msc[part])

    def _next_due(self, ledger: Ledger) -> int:
        known, version, due = self._due
        if known is not ledger or version != ledger.version:
            due = next_due(ledger, self.profiles)
            self._due = (ledger, ledger.version, due)
        return due

    def _quiet_until(self, event: Event) -> int:
        """When the next tick after the event comes, of any symbol."""
        following = ((feed, feed.tape.first_at(event.msc)) for feed in self.feeds.values())
        ticks = (int(feed.tape.newest_msc[index]) for feed, index in following if index < feed.visible)
        return min(ticks, default=event.now_msc)

    def _quote_at(self, symbol: str, event: Event) -> Quote | None:
        """The price at the event: the tick's own where it is this symbol's, else the newest one by then."""
        feed = self.feeds.get(symbol)
        if feed is None:
            return None
        if event.trigger is not None and event.trigger.symbol == symbol:
            return self._quote(symbol, feed.checked + event.trigger.offset + 1)
        happened = feed.tape.first_at(event.msc + (event.trigger is not None))
        return self._quote(symbol, min(feed.visible, max(feed.checked, happened)))

    def _quote_before(self, symbol: str) -> Quote | None:
        """The price before everything that has not been looked at."""
        feed = self.feeds.get(symbol)
        return None if feed is None else self._quote(symbol, feed.checked)

    def _quote(self, symbol: str, happened: int) -> Quote | None:
        feed = self.feeds.get(symbol)
        index = int(feed.tape.newest_sound[happened - 1]) if feed is not None and happened else -1
        if feed is None or index < 0:
            return None
        _, bid, ask, _, _, msc, *_ = feed.tape.row(index)
        return Quote(bid, ask, msc)

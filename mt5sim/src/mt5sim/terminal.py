"""The simulated terminal and the broker behind it: one account, its market and its books."""

import time
from collections.abc import Callable

from mt5sim import constants as c
from mt5sim.chance import NO_LUCK, Luck
from mt5sim.clock import broker_ms
from mt5sim.config import ConfigError, TerminalConfig
from mt5sim.execution import Desk
from mt5sim.judge import Judge, Plan, Refusal
from mt5sim.knobs import Faults
from mt5sim.ledger import Change, Ledger, deposit
from mt5sim.market_feeds import feeds_of
from mt5sim.profiles import SymbolProfile
from mt5sim.rates import BarBook
from mt5sim.records import changed
from mt5sim.rules import side_of
from mt5sim.store import Store
from mt5sim.structs import TradeOrder, TradeRequest
from mt5sim.valuation import Quote, Valuation
from mt5sim.watch import Event, Watch


def system_utc_ms() -> int:
    return time.time_ns() // 1_000_000


class Terminal:
    """Call `advance` before anything else is asked: it lets the market move and the broker act."""

    def __init__(self, config: TerminalConfig, faults: Faults, now: Callable[[], int] = system_utc_ms) -> None:
        """Raises ConfigError when a file is unusable or a currency cannot be converted."""
        self.config = config
        self.faults = faults
        self.now = now
        self.profiles: dict[str, SymbolProfile] = {profile.name: profile for profile in config.symbols}
        self.selected = set(self.profiles)
        self.valuation = Valuation(
            config.account.currency, config.account.leverage, self.profiles, self.quote, config.conversion
        )
        self._check_conversions()
        self.feeds = feeds_of(config, self.profiles, now())
        self.bars = {symbol: BarBook() for symbol in self.feeds}
        account = config.account
        self.watch = Watch(account, self.profiles, self.feeds, self.valuation)
        self.store = Store(config.state_file, account.login, account.currency, account.margin_mode)
        self.ledger = self.store.reload(Ledger())
        self._commit(self._opening)
        for feed in self.feeds.values():
            feed.skip_to(self.ledger.last_msc)
        self.request_id = 0

    def close(self) -> None:
        for feed in self.feeds.values():
            feed.close()
        self.store.close()

    def advance(self) -> None:
        self._refresh()
        for feed in self.feeds.values():
            feed.linked = not self.faults.disconnect
        self.settle()

    def settle(self) -> None:
        """Let the market go on, and the broker do what ticks and clock have brought about since the last look."""
        for feed in self.feeds.values():
            # whoever reads one symbol at full speed takes the others along: their events may be the earlier ones
            if feed.linked:
                feed.advance(self.now())
        while not self.watch.idle(self.ledger) and self.watch.next_event(self.ledger, self.server_msc()) is not None:
            event: Event | None = None

            def happen() -> Change:
                # of the newest books: another process of this account may have dealt with it meanwhile
                nonlocal event
                event = self.watch.next_event(self.ledger, self.server_msc())
                return Change() if event is None else self.watch.change(self.ledger, event)

            try:
                self._commit(happen)
            except ArithmeticError:
                # a currency has no price yet: nothing is skipped, the next call looks again
                return
            if event is not None:
                self.watch.passed(event)
        for feed in self.feeds.values():
            feed.checked = feed.visible

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached: a live source that is lost is a lost broker."""
        return not self.faults.disconnect and not any(feed.trouble for feed in self.feeds.values())

    def order(self, request: TradeRequest) -> Plan | Refusal:
        """Execute a request. When this returns a Plan, it is on disk."""
        outcome: Plan | Refusal = Refusal(c.TRADE_RETCODE_ERROR)

        def judged() -> Change:
            nonlocal outcome
            outcome = self.judge(self.luck()).plan(request)
            return outcome.change if isinstance(outcome, Plan) else Change()

        self._commit(judged)
        return outcome

    def judge(self, luck: Luck = NO_LUCK) -> Judge:
        desk = Desk(self.ledger, self.valuation)
        return Judge(desk, self.config.account, self.faults, self.server_msc(), luck)

    def luck(self) -> Luck:
        """What happens to the next request; asked twice, it says the same."""
        return self.config.execution.draw(self.ledger.next_order, self.request_id)

    def quote(self, symbol: str) -> Quote | None:
        feed = self.feeds.get(symbol)
        index = feed.sound_index() if feed is not None else -1
        if feed is None or index < 0:
            return None
        _, bid, ask, _, _, msc, *_ = feed.tape.row(index)
        return Quote(bid, ask, msc)

    def order_priced(self, order: TradeOrder) -> TradeOrder:
        """A working order at the current price of its side."""
        quote = self.quote(order.symbol)
        return order if quote is None else changed(order, price_current=quote.to_open(side_of(order.type)))

    def server_msc(self) -> int:
        """The broker's clock stands at the newest tick of all symbols, as on a weekend; it never goes back."""
        stamps = [int(feed.tape.newest_msc[feed.last_index()]) for feed in self.feeds.values() if feed.visible]
        return max([self.ledger.last_msc, *stamps] if stamps else [self.ledger.last_msc, self._clock_ms()])

    def _clock_ms(self) -> int:
        return broker_ms(self.config.clock, self.now())

    def _opening(self) -> Change:
        """The deposit, unless the account exists already."""
        return Change() if self.ledger.deals else deposit(self.ledger, self.config.account.balance, self.server_msc())

    def _refresh(self) -> None:
        """Take over what another process of this account has done; its market is this one's, and never goes back."""
        ledger = self.store.reload(self.ledger)
        if ledger is self.ledger:
            return
        self.ledger = ledger
        for feed in self.feeds.values():
            feed.catch_up(ledger.last_msc)

    def _commit(self, make: Callable[[], Change]) -> None:
        """Make a change from the newest books, write it, then show it."""
        with self.store.transaction():
            self._refresh()
            change = make()
            self.store.record(change)
        self.ledger.apply(change)

    def _check_conversions(self) -> None:
        home = self.config.account.currency
        missing = {
            f"{profile.name}: nothing converts {currency} to {home}; add a symbol that does, "
            f'or "conversion": {{"{currency}{home}": rate}}'
            for profile in self.profiles.values()
            for currency in (profile.profit, profile.margin)
            if not (currency == profile.base and profile.profit == home)
            and not self.valuation.can_convert(currency, home)
        }
        if missing:
            raise ConfigError("; ".join(sorted(missing)))

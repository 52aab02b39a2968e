"""The account as the terminal shows it: read every second, sent when it changed, judged ready or not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from client_security.domain.enrolment import Enrolment
from contracts.accounts import AccountState, Instrument, MarginMode, Position, Side, TickGap
from kit.clock import Clock
from metatrader_connector.domain.broker_clock import one_to_utc, to_broker
from metatrader_connector.domain.clock_fit import ClockFit
from metatrader_connector.domain.exposure import DAY_S, day_start_s, loss_today, lots
from metatrader_connector.domain.feed_watch import FeedWatch, stale_words
from metatrader_connector.domain.halt import halted
from metatrader_connector.domain.identity import Identity
from metatrader_connector.domain.readiness import blocked_because
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.domain.symbol_names import Question
from metatrader_connector.domain.terminal import Opened, Picture, PositionFacts, SymbolFacts
from metatrader_connector.ports import Line, Terminal, TerminalDown

HEDGING = 2
EVERY_S = 1.0
AT_LEAST_EVERY_MS = 5_000
FRESH_MS = 5_000
CLOCK_UNKNOWN = (
    "the broker's clock is being detected: that takes some history or a moving price; "
    "at a weekend and in a replay the setting terminal_clock has to say it"
)
MOST_GAPS = 16
""" the newest gaps a state carries """
AFTER_ORDER_S = 0.002
"""Stamps are whole milliseconds: with this pause a picture is younger than the answer that asked for it."""


@dataclass(slots=True)
class AccountWatch:
    """Run `run()` as a task. `symbols()`, `facts` and `blocked()` are what the others ask."""

    terminal: Terminal
    line: Line
    enrolment: Enrolment
    clock: Clock
    zone: str
    wanted: tuple[str, ...]
    """Symbols of the settings; empty means those of Market Watch."""
    most_symbols: int
    refused: Callable[[], dict[str, int]]
    open_orders: Callable[[], tuple[str, ...]]
    server_clock: ServerClock = field(default_factory=ServerClock)
    identity: Callable[[Identity], str] = lambda _: ""
    """What is wrong with the account that the terminal shows."""
    halt: Callable[[], bytes | None] = lambda: None
    """The trader's switch; only told of here, `order_gate` obeys it."""
    gaps: Callable[[], tuple[TickGap, ...]] = tuple
    """Ticks that are lost for good."""
    feed: FeedWatch | None = None
    """Whether prices come while the market is open."""
    questions: Callable[[], tuple[Question, ...]] = tuple
    """Symbols of which a person has to say which one is meant."""
    alarm: Callable[[str, str], object] = lambda kind, words: None
    """Told once of each trouble that begins (kind, words), and of its end (kind, nothing)."""
    clock_known: bool = True
    """False while the broker's clock has not been detected: no time of the terminal can be used."""
    strayed: str = ""
    silent: str = ""
    """What to tell of symbols without prices; it blocks trading only when none has any."""
    _all_silent: bool = False
    _session: int = 0
    _alarmed: dict[str, str] = field(default_factory=dict)
    earned: float | None = None
    """What trading has earned in the broker's day that `_day_s` began; None: not read yet."""
    _day_s: int = 0
    _balance: float = 0.0
    picture: Picture | None = None
    taken_ms: int = 0
    asked_ns: int = 0
    """When the newest picture was asked for, on the monotonic clock: it shows whatever was answered before."""
    trouble: str = "the terminal was not read yet"
    facts: dict[str, SymbolFacts] = field(default_factory=dict)
    """ symbol -> its contract """
    clock_fit: ClockFit = field(init=False)
    _last: AccountState | None = None
    _last_ms: int = 0
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.clock_fit = ClockFit(self.zone)

    def look_soon(self) -> None:
        """An order was answered: the server trades on only when it has seen what the account looks like now."""
        self._wanted.set()

    async def run(self) -> None:
        """Look every second, and after every order at once, until cancelled."""
        asked = False
        while True:
            opened = await self.terminal.ready()
            if asked:
                await asyncio.sleep(AFTER_ORDER_S)
            self._wanted.clear()
            try:
                await self.look(opened, always=asked)
            except TerminalDown as error:
                self.picture, self.trouble = None, str(error)
            asked = await self._asked_within(EVERY_S)

    async def _asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):  # `wait_for` of Python 3.11 may swallow the cancellation of a stop
                await self._wanted.wait()
        except TimeoutError:
            return False
        return True

    async def look(self, opened: Opened, *, always: bool = False) -> None:
        """Read the account once and send it when it is news, or `always`."""
        asked_ns = self.clock.monotonic_ns()
        picture = await self.terminal.picture(self.wanted)
        self.taken_ms, self.asked_ns = self.clock.now_ms(), asked_ns
        login = str(picture.account.login)
        if login != self.enrolment.account:
            self.picture = None
            self.trouble = (
                f"MT5 is logged in to account {login}, this client is enrolled for {self.enrolment.account}; "
                "log in to that account, or enrol this one"
            )
            return
        account = picture.account
        self.strayed = self.identity(Identity(account.login, account.server, account.margin_mode, account.trade_mode))
        self.picture = picture
        self.facts = {symbol.name: symbol for symbol in picture.symbols[: self.most_symbols]}
        asked = {question.wanted: question.words() for question in self.questions()}
        unknown = [name for name in picture.unknown if name not in asked]
        told = [f"the terminal does not know {', '.join(unknown)}"] if unknown else []
        self.trouble = "; ".join((*told, *asked.values()))
        if not opened.replay:
            self.clock_fit.look(max((symbol.time for symbol in picture.symbols), default=0), self.taken_ms)
        if not self.clock_known:
            self.trouble = CLOCK_UNKNOWN
            return
        self._listen(opened)
        self._alarm_of(opened)
        self._tell(opened, picture, always)
        await self._count_day(opened, picture)

    def _listen(self, opened: Opened) -> None:
        """A replay is silent when its file ends, and has no market that is open."""
        if self.feed is None or opened.replay:
            return
        if self.terminal.session != self._session:  # what came before it was opened says nothing
            self._session = self.terminal.session
            self.feed.begin(self.taken_ms)
        stale = self.feed.stale(self.facts, self.taken_ms)
        self.silent = stale_words(stale, len(self.facts))
        self._all_silent = bool(stale) and len(stale) == len(self.facts)

    def _alarm_of(self, opened: Opened) -> None:
        now = {"feed_stale": self.silent, "wrong_account": self.strayed, "broker_clock_changed": self.clock_fit.trouble}
        for kind, words in now.items():
            if bool(words) != bool(self._alarmed.get(kind)):
                self._alarmed[kind] = words
                self.alarm(kind, words)

    def symbol_trouble(self, symbol: str) -> str:
        """Why a symbol is not among those that are streamed."""
        asked = next((question.words() for question in self.questions() if question.wanted == symbol), "")
        return asked or f"{symbol} is not among the symbols this client streams"

    def closed(self, symbol: str) -> bool:
        """Whether its market is closed for certain."""
        return self.feed is not None and self.feed.closed(symbol, self.clock.now_ms())

    async def _count_day(self, opened: Opened, picture: Picture) -> None:
        """What the day earned is read again when it began or when the balance shows that something was closed."""
        newest_s = max((symbol.time for symbol in picture.symbols), default=0)
        # a replay's deals carry the recording's time
        now_s = newest_s if opened.replay else to_broker(self.zone, self.taken_ms) // 1000
        day_s = day_start_s(now_s)
        if self.earned is not None and (day_s, picture.account.balance) == (self._day_s, self._balance):
            return
        self.earned = None  # until the answer is there nobody knows
        self.earned = await self.terminal.result(max(1, day_s), day_s + 2 * DAY_S)
        self._day_s, self._balance = day_s, picture.account.balance

    def lost_today(self) -> Decimal | None:
        """What the broker's day has cost so far; None when that is not known."""
        if self.picture is None or self.earned is None:
            return None
        return loss_today(self.earned, self.picture.account.profit)

    def symbols(self) -> tuple[str, ...]:
        """What to stream: nothing while the account is not the enrolled one."""
        return tuple(self.facts) if self.picture is not None and self.clock_known else ()

    def blocked(self) -> str:
        """What stands between an order and the market, in plain words; empty when nothing does."""
        if self.picture is not None and self.clock.now_ms() - self.taken_ms > FRESH_MS:
            return "the terminal has not answered for several seconds"
        return self._blocked(self.picture)

    def _blocked(self, picture: Picture | None) -> str:
        if picture is None:
            return blocked_because(picture, self.trouble)
        silent = self.silent if self._all_silent else ""
        return "; ".join(filter(None, (blocked_because(picture), self.strayed, self._clock_trouble(), silent)))

    def _clock_trouble(self) -> str:
        if not self.clock_known:
            return CLOCK_UNKNOWN
        skewed = self.server_clock.skew_ms(self.clock.now_ms(), self.clock.boot_ns()) is not None
        ours = self.server_clock.trouble(self.clock.now_ms(), self.clock.boot_ns()) if skewed else ""
        return ours or self.clock_fit.trouble

    def _tell(self, opened: Opened, picture: Picture, always: bool) -> None:
        state = self._state(opened, picture)
        same = self._last is not None and msgspec.structs.replace(self._last, taken_ms=state.taken_ms) == state
        if same and not always and self.taken_ms - self._last_ms < AT_LEAST_EVERY_MS:
            return
        if self.line.send_state(state):
            self._last, self._last_ms = state, self.taken_ms

    def _state(self, opened: Opened, picture: Picture) -> AccountState:
        account, blocked = picture.account, halted(self.halt(), closing=False) or self._blocked(picture)
        return AccountState(
            self.enrolment.tenant,
            self.enrolment.account,
            self.taken_ms,
            account.server,
            account.company,
            account.currency,
            MarginMode.HEDGING if account.margin_mode == HEDGING else MarginMode.NETTING,
            account.leverage,
            money(account.balance),
            money(account.equity),
            money(account.margin),
            money(account.margin_free),
            money(account.profit),
            opened.source,
            picture.terminal.connected,
            not blocked,
            blocked,
            tuple(self._position(position) for position in picture.positions),
            tuple(instrument(symbol) for symbol in self.facts.values()),
            self.refused(),
            self.open_orders(),
            tick_gaps=self.gaps()[-MOST_GAPS:],
        )

    def _position(self, p: PositionFacts) -> Position:
        return Position(
            p.ticket,
            p.symbol,
            Side.SELL if p.type else Side.BUY,
            lots(p.volume),
            p.price_open,
            p.price_current,
            money(p.profit),
            money(p.swap),
            one_to_utc(self.zone, p.time_msc, self.taken_ms),
            p.magic,
            p.comment,
            p.sl,
            p.tp,
        )

    async def probe(self) -> str:
        """For the health page: the terminal's newest answer must be fresh, and the account the right one."""
        if self.picture is None:
            raise TerminalDown(self.terminal.trouble or self.trouble)
        if self.clock.now_ms() - self.taken_ms > FRESH_MS:
            raise TerminalDown("the terminal has not answered for several seconds")
        if not self.picture.terminal.connected:
            raise TerminalDown("MT5 runs but has lost its broker; check its connection")
        if trouble := self._clock_trouble():
            raise TerminalDown(trouble)
        if self.strayed:
            raise TerminalDown(self.strayed)
        if self._all_silent:
            raise TerminalDown(self.silent)
        note = "".join(f"; {words}" for words in (blocked_because(self.picture), self.trouble, self.silent) if words)
        return f"account {self.picture.account.login}, {len(self.facts)} symbol(s){note}"


def money(amount: float) -> Decimal:
    """An amount of the terminal as a decimal; beyond eight digits there is only binary dust."""
    return lots(amount)


def instrument(s: SymbolFacts) -> Instrument:
    """A symbol's contract as the server knows it."""
    return Instrument(
        s.name,
        s.description,
        s.digits,
        s.point,
        lots(s.trade_contract_size),
        lots(s.volume_min),
        lots(s.volume_max),
        lots(s.volume_step),
        s.currency_base,
        s.currency_profit,
        s.trade_stops_level,
    )

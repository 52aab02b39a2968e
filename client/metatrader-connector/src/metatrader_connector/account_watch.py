"""The account as the terminal shows it: read every second, sent when it changed, judged ready or not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from client_security.domain.enrolment import Enrolment
from contracts.accounts import AccountState, Instrument, MarginMode, Position, PriceSource, Side
from kit.clock import Clock
from metatrader_connector.domain.broker_clock import one_to_utc
from metatrader_connector.domain.executor import lots
from metatrader_connector.domain.readiness import blocked_because
from metatrader_connector.domain.terminal import Opened, Picture, PositionFacts, SymbolFacts
from metatrader_connector.ports import Line, Terminal, TerminalDown

HEDGING = 2
EVERY_S = 1.0
AT_LEAST_EVERY_MS = 5_000
FRESH_MS = 5_000


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
    picture: Picture | None = None
    taken_ms: int = 0
    trouble: str = "the terminal was not read yet"
    facts: dict[str, SymbolFacts] = field(default_factory=dict)
    """ symbol -> its contract """
    _last: AccountState | None = None
    _last_ms: int = 0

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            opened = await self.terminal.ready()
            try:
                await self.look(opened)
            except TerminalDown as error:
                self.picture, self.trouble = None, str(error)
            await asyncio.sleep(EVERY_S)

    async def look(self, opened: Opened) -> None:
        """Read the account once and send it when it is news."""
        picture = await self.terminal.picture(self.wanted)
        self.taken_ms = self.clock.now_ms()
        login = str(picture.account.login)
        if login != self.enrolment.account:
            self.picture = None
            self.trouble = (
                f"MT5 is logged in to account {login}, this client is enrolled for {self.enrolment.account}; "
                "log in to that account, or enrol this one"
            )
            return
        self.picture = picture
        self.facts = {symbol.name: symbol for symbol in picture.symbols[: self.most_symbols]}
        self.trouble = f"the terminal does not know {', '.join(picture.unknown)}" if picture.unknown else ""
        self._tell(opened, picture)

    def symbols(self) -> tuple[str, ...]:
        """What to stream: nothing while the account is not the enrolled one."""
        return tuple(self.facts) if self.picture is not None else ()

    def blocked(self) -> str:
        """What stands between an order and the market, in plain words; empty when nothing does."""
        if self.picture is not None and self.clock.now_ms() - self.taken_ms > FRESH_MS:
            return "the terminal has not answered for several seconds"
        return blocked_because(self.picture, self.trouble)

    def _tell(self, opened: Opened, picture: Picture) -> None:
        state = self._state(opened, picture)
        same = self._last is not None and msgspec.structs.replace(self._last, taken_ms=state.taken_ms) == state
        if same and self.taken_ms - self._last_ms < AT_LEAST_EVERY_MS:
            return
        if self.line.send_state(state):
            self._last, self._last_ms = state, self.taken_ms

    def _state(self, opened: Opened, picture: Picture) -> AccountState:
        account, blocked = picture.account, blocked_because(picture)
        source = (
            PriceSource.REPLAY if opened.replay else PriceSource.SIMULATED if opened.simulated else PriceSource.LIVE
        )
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
            source,
            picture.terminal.connected,
            not blocked,
            blocked,
            tuple(self._position(position) for position in picture.positions),
            tuple(instrument(symbol) for symbol in self.facts.values()),
            self.refused(),
            self.open_orders(),
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
            raise TerminalDown(getattr(self.terminal, "trouble", "") or self.trouble)
        if self.clock.now_ms() - self.taken_ms > FRESH_MS:
            raise TerminalDown("the terminal has not answered for several seconds")
        if not self.picture.terminal.connected:
            raise TerminalDown("MT5 runs but has lost its broker; check its connection")
        note = f"; {self.trouble}" if self.trouble else ""
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

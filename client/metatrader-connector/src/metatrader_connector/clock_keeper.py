"""Keep the broker's clock right: detect it where the setting says `auto`, and see to it that everybody uses it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from client_security.adapters.private_file import write_private
from kit import log
from kit.clock import Clock
from metatrader_connector.account_watch import AccountWatch
from metatrader_connector.domain.broker_clock import ZONES
from metatrader_connector.domain.clock_detect import detect, fits_history, fits_now, week_ends
from metatrader_connector.domain.terminal import Picture
from metatrader_connector.ports import Terminal, TerminalDown

FILE = "broker-clock"
LOOK_EVERY_S = 1.0
SYMBOLS_ASKED = 4
PAIR = 3
_log = log.get("clock")


@dataclass(slots=True)
class ClockKeeper:
    """Run `run()` as a task when the setting is `auto`. `use` hands a clock to all who convert times."""

    terminal: Terminal
    watch: AccountWatch
    path: Path
    clock: Clock
    use: Callable[[str], None]
    record: Callable[[str, str], object]
    """(kind, words) for the audit log."""
    _history: tuple[str, ...] = ()
    _session: int = 0
    _newest_s: int = 0

    def begin(self) -> None:
        """What was detected before counts at once."""
        kept = self.path.read_text("utf-8").strip() if self.path.exists() else ""
        if kept in ZONES:
            self._use(kept)

    async def run(self) -> None:
        """Until cancelled: detect while nothing is known, and again when live quotes contradict."""
        while True:
            opened = await self.terminal.ready()
            picture = self.watch.picture
            if (
                picture is not None
                and not opened.replay
                and (not self.watch.clock_known or self.watch.clock_fit.trouble)
            ):
                try:
                    await self._look(picture)
                except TerminalDown as error:
                    _log.warning("clock_not_detected", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self, picture: Picture) -> None:
        if self._session != self.terminal.session:
            self._session, self._history = self.terminal.session, await self._weeks(picture)
        newest_s = max((symbol.time for symbol in picture.symbols), default=0)
        # only a stamp that has moved is of this moment; at a weekend history alone has to do
        live = fits_now(newest_s, self.watch.taken_ms) if 0 < self._newest_s < newest_s else ()
        self._newest_s = newest_s
        before, contradicted = self.watch.zone, bool(self.watch.clock_fit.trouble)
        if contradicted and not live:
            return
        found = detect(self._history, live)
        if not found or (contradicted and found == before):
            return
        await asyncio.to_thread(write_private, self.path, found.encode())
        self._use(found)
        words = f"the broker's clock is {found}" + (f"; it was taken for {before}" if contradicted else "")
        _log.warning("broker_clock", words=words)
        self.record("broker_clock_detected", words)

    def _use(self, zone: str) -> None:
        self.use(zone)
        self.watch.clock_known = True

    async def _weeks(self, picture: Picture) -> tuple[str, ...]:
        """Pairs of currencies keep the week of foreign exchange; the first whose weeks tell something is enough."""
        pairs = [s for s in picture.symbols if len(s.currency_base) == PAIR and s.currency_base != s.currency_profit]
        for symbol in pairs[:SYMBOLS_ASKED]:
            if found := fits_history(week_ends(await self.terminal.hours(symbol.name))):
                return found
        return ()

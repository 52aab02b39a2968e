"""Carry news to the server and settings back: the program that reads strangers' documents has no key for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from contracts.client_config import ClientConfigOffer, SignedConfig
from contracts.errands import ConfigWanted, DownErrand, NewsTaken, NotNow, OutboxPage, UpErrand
from kit import log
from kit.backoff import Backoff
from kit.errors import KitError

LOOK_EVERY_S = 15.0
CONFIG_EVERY_ROUNDS = 20
"""Settings are asked for every five minutes."""
PAUSE = Backoff(15.0, 600.0, jitter=0.5)
"""After a failure; what was collected waits in the collector's file as long as it takes."""
_log = log.get("courier")


class Line(Protocol):
    """An open connection to the server."""

    async def ask(self, errand: UpErrand) -> DownErrand:
        """Send one, wait for its answer. OSError when none comes."""
        ...


Outbox = Callable[[int, int], Awaitable[OutboxPage]]
"""Tell the collector what the server has (up to a number, so many of it refused); what comes next. OSError."""
OpenLine = Callable[[], AbstractAsyncContextManager[Line]]
KeepOffer = Callable[[SignedConfig], Awaitable[None]]
"""Leave the server's settings for the config manager, which alone judges them."""


@dataclass(slots=True)
class Courier:
    """Run `run()` as a task."""

    outbox: Outbox
    open_line: OpenLine
    keep_offer: KeepOffer
    look_every_s: float = LOOK_EVERY_S
    pause: Backoff = PAUSE
    carried: int = 0
    refused: int = 0
    """Items that the server will never take."""
    trouble: str = ""
    """Why the last round failed; empty when it did not."""
    revision: int = 0
    """Of the newest settings that were brought; the first round asks for any."""
    no_settings: str = ""
    """Why the server did not tell its settings; empty when it did, or was not asked."""
    rounds_to_config: int = 0
    """So many rounds until the server is asked for settings again."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        delays = self.pause.delays()
        while True:
            try:
                await self.round()
                self.trouble, delays, wait_s = "", self.pause.delays(), self.look_every_s
            except (OSError, KitError) as error:
                if str(error) != self.trouble:
                    _log.warning("news_wait", reason=str(error))
                self.trouble, wait_s = str(error), next(delays)
            await asyncio.sleep(wait_s)

    async def round(self) -> None:
        """Carry until nothing waits, and ask for settings now and then. OSError: the rest waits for the next round."""
        page = await self.outbox_or_none()
        asks = self.rounds_to_config <= 0
        if page is None and not asks:
            return
        async with self.open_line() as line:
            if asks:
                await self._ask_for_config(line)
            while page is not None:
                refused = await self._hand_over(line, page)
                page = _filled(await self.outbox(page.upto, refused))

    async def outbox_or_none(self) -> OutboxPage | None:
        """What waits; None when nothing does."""
        self.rounds_to_config -= 1
        return _filled(await self.outbox(0, 0))

    async def _ask_for_config(self, line: Line) -> None:
        answer = await line.ask(ConfigWanted(self.revision))
        if isinstance(answer, SignedConfig):
            await self.keep_offer(answer)
            self.revision = _revision_of(answer)
        # a server that can't tell just now is asked again at the next turn: news go on meanwhile
        self.no_settings = answer.reason if isinstance(answer, NotNow) else ""
        self.rounds_to_config = CONFIG_EVERY_ROUNDS

    async def _hand_over(self, line: Line, page: OutboxPage) -> int:
        """How many of them the server refused for good."""
        size = len(page.batch.news) + len(page.batch.events)
        answer = await line.ask(page.batch)
        if isinstance(answer, NotNow):
            if answer.retry:
                raise OSError(f"the server does not take news now: {answer.reason} ({answer.code})")
            _log.error("news_refused", items=size, code=answer.code, reason=answer.reason)
            self.refused += size
            return size
        if not isinstance(answer, NewsTaken):
            raise OSError("the server answers another question than this PC's; update the older one")
        for key, reason in answer.refused:
            _log.warning("news_refused", key=key, reason=reason)
        self.refused += len(answer.refused)
        self.carried += size - len(answer.refused)
        return len(answer.refused)

    async def probe(self) -> str:
        """For the health page. News that wait are no reason not to be ready; they are here to be seen."""
        refused = f", {self.refused} refused by the server" if self.refused else ""
        waits = f"; the rest waits: {self.trouble}" if self.trouble else ""
        settings = f"; no settings from the server: {self.no_settings}" if self.no_settings else ""
        return f"{self.carried} item(s) brought to the server since the start{refused}{waits}{settings}"


def _filled(page: OutboxPage) -> OutboxPage | None:
    return page if page.batch.news or page.batch.events else None


def _revision_of(signed: SignedConfig) -> int:
    """Only so as not to ask for the same again; whether it is true is the config manager's to judge."""
    try:
        return msgspec.json.decode(signed.body, type=ClientConfigOffer).revision
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0

"""Carry what the data collector found to the server: the program that reads strangers' documents has no key for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from contracts.errands import DownErrand, NotNow, OutboxPage, UpErrand
from kit import log
from kit.backoff import Backoff
from kit.errors import KitError

LOOK_EVERY_S = 15.0
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


@dataclass(slots=True)
class Courier:
    """Run `run()` as a task."""

    outbox: Outbox
    open_line: OpenLine
    look_every_s: float = LOOK_EVERY_S
    pause: Backoff = PAUSE
    carried: int = 0
    refused: int = 0
    """Items that the server will never take."""
    trouble: str = ""
    """Why the last round failed; empty when it did not."""

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
        """Carry until nothing waits. OSError: the rest waits for the next round."""
        page = await self.outbox(0, 0)
        if _empty(page):
            return
        async with self.open_line() as line:
            while not _empty(page):
                page = await self.outbox(page.upto, await self._hand_over(line, page))

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
        for key, reason in answer.refused:
            _log.warning("news_refused", key=key, reason=reason)
        self.refused += len(answer.refused)
        self.carried += size - len(answer.refused)
        return len(answer.refused)

    async def probe(self) -> str:
        """For the health page. News that wait are no reason not to be ready; they are here to be seen."""
        refused = f", {self.refused} refused by the server" if self.refused else ""
        waits = f"; the rest waits: {self.trouble}" if self.trouble else ""
        return f"{self.carried} item(s) brought to the server since the start{refused}{waits}"


def _empty(page: OutboxPage) -> bool:
    return not page.batch.news and not page.batch.events

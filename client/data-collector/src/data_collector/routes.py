"""Visit each source when it may be visited, keep what is new, and show it on this PC."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import picows

from data_collector.domain.items import BadDocument, Item
from data_collector.domain.politeness import FetchRefused, after_failure, after_success
from data_collector.ports import Fetch, Items
from kit import log
from kit.clock import Clock
from kit.edge import Peer, answer

LOOK_EVERY_S = 30.0
_log = log.get("collector")


@dataclass(slots=True)
class Collector:
    """Run `run()` as a task; `accept` answers GET /items."""

    sources: tuple[tuple[str, str], ...]
    """ (kind, url) """
    parsers: Mapping[str, Callable[[str, bytes], list[Item]]]
    fetch: Fetch
    items: Items
    clock: Clock
    every_ms: int
    collected: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    """ url -> what went wrong at the last visit """

    async def run(self) -> None:
        """Visit until cancelled."""
        while True:
            for kind, url in self.sources:
                await asyncio.to_thread(self.visit, kind, url)
            await asyncio.sleep(LOOK_EVERY_S)

    def visit(self, kind: str, url: str) -> None:
        """One visit, when it is due. Blocks; runs in a thread."""
        now = self.clock.now_ms()
        state = self.items.state(url)
        if state.next_ms > now:
            if state.trouble:
                self.troubles[url] = state.trouble
            return
        try:
            fetched = self.fetch(url, state.etag, state.last_modified)
        except FetchRefused as error:
            self.items.keep([], after_failure(state, now, str(error), error.retry_after_ms), now)
            self.troubles[url] = str(error)
            _log.warning("source_failed", url=url, reason=str(error))
            return
        found: list[Item] = []
        if fetched.body is not None:
            try:
                found = self.parsers[kind](url, fetched.body)
            except BadDocument as error:
                self.items.keep_aside(url, fetched.body, str(error), now)
                self.items.keep([], after_failure(state, now, str(error)), now)
                self.troubles[url] = str(error)
                _log.warning("bad_document", url=url, reason=str(error))
                return
        after = after_success(state, now, self.every_ms, fetched.etag, fetched.last_modified)
        self.collected += self.items.keep(found, after, now)
        self.troubles.pop(url, None)

    async def probe(self) -> str:
        """For the health page: says honestly when nothing is collected."""
        if not self.sources:
            return "off: no sources are configured"
        if len(self.troubles) == len(self.sources):
            raise RuntimeError("no source answers: " + "; ".join(sorted(self.troubles.values()))[:300])
        note = f", {len(self.troubles)} in trouble" if self.troubles else ""
        return f"{len(self.sources)} source(s){note}, {self.collected} new item(s) since the start"

    def accept(self, request: picows.WSUpgradeRequest, _peer: Peer) -> "picows.WSUpgradeResponseWithListener | None":
        """GET /items: the newest two hundred."""
        if request.path.split(b"?", 1)[0] != b"/items" or request.method != b"GET":
            return None
        return answer(200, msgspec.json.encode(self.items.newest()), "application/json")

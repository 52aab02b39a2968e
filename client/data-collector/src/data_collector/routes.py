"""Visit each source when it may be visited, keep what is new, hand it on, and say how each source is."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec
import picows

from contracts.errands import OUTBOX_PAGE
from data_collector.domain.items import BadDocument, Item, fault
from data_collector.domain.politeness import FetchRefused, SourceState, after_failure, after_start, after_success
from data_collector.domain.sources import Source
from data_collector.ports import Fetch, Items, Keys, Kinds, Tally
from kit import log
from kit.clock import Clock
from kit.edge import Peer, answer
from kit.tls import Identity

LOOK_EVERY_S = 30.0
HANGS_AFTER_S = 120.0
"""A visit that takes longer is told as a source in trouble; its thread is left to itself."""
COURIER = Identity.service("security")
"""The app that brings items to the server; nobody else may say what the server has."""
_log = log.get("collector")


class SourceView(msgspec.Struct, frozen=True):
    """A source on the status page. Stamps are UTC ms; 0: never."""

    name: str
    kind: str
    address: str
    on: bool
    last_success_ms: int
    next_try_ms: int
    """0: it is not asked."""
    items: int
    trouble: str
    """In plain words; empty when all is well."""


class StatusView(msgspec.Struct, frozen=True):
    """GET /sources."""

    enabled: bool
    sources: tuple[SourceView, ...]
    kinds: tuple[str, ...]
    tally: Tally
    now_ms: int


@dataclass(slots=True)
class Collector:
    """Run `run()` as a task; `accept` answers the pages."""

    sources: tuple[Source, ...]
    off: frozenset[str]
    enabled: bool
    kinds: Kinds
    fetch: Mapping[bool, Fetch]
    """ whether it is a file of this PC -> what gets it """
    items: Items
    clock: Clock
    every_ms: int
    keys: Keys = dict
    hangs_after_s: float = HANGS_AFTER_S
    collected: int = 0
    states: dict[str, SourceState] = field(default_factory=dict)
    """ name -> as it was after the last visit """
    hanging: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Remember the sources; those that were given up get one more try."""
        now = self.clock.now_ms()
        self.states = {s.name: after_start(self.items.state(s.name, s.address), now) for s in self.sources}

    def active(self) -> tuple[Source, ...]:
        """The sources that are asked."""
        return tuple(s for s in self.sources if s.name not in self.off) if self.enabled else ()

    async def run(self) -> None:
        """Visit until cancelled. Each source has a thread of its own: one that hangs holds up nobody else."""
        active = self.active()
        with ThreadPoolExecutor(max(1, len(active)), "source") as threads:
            try:
                async with asyncio.TaskGroup() as group:
                    for source in active:
                        group.create_task(self._keep_visiting(source, threads))
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    async def _keep_visiting(self, source: Source, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            visit = loop.run_in_executor(threads, self.visit, source)
            done, _ = await asyncio.wait([visit], timeout=self.hangs_after_s)
            if not done:
                self.hanging.add(source.name)
                _log.error("source_hangs", source=source.name, seconds=self.hangs_after_s)
            await visit
            self.hanging.discard(source.name)
            await asyncio.sleep(LOOK_EVERY_S)

    def visit(self, source: Source) -> None:
        """One visit, when it is due. Blocks."""
        now = self.clock.now_ms()
        state = self.states[source.name]
        if not state.due(now):
            return
        try:
            key = "" if source.local else self.keys().get(source.name, "")
        except OSError as error:
            _log.warning("keys_not_told", source=source.name, error=str(error))
            return  # the config manager may still be starting: it is asked again at the next look
        try:
            fetched = self.fetch[source.local](source.address, state.etag, state.last_modified, key)
            found = [] if fetched.body is None else self._read(source, fetched.body, now)
        except FetchRefused as error:
            self._failed(source, state, str(error), error.retry_after_ms)
            return
        except BadDocument as error:
            self._failed(source, state, str(error))
            return
        after = after_success(state, now, self.every_ms, fetched.etag, fetched.last_modified, local=source.local)
        self.collected += self.items.keep(found, after, now)
        self.states[source.name] = after

    def _read(self, source: Source, document: bytes, now: int) -> list[Item]:
        try:
            items = self.kinds.parse(source.kind, source.name, document)
            for item in items:
                if why := fault(item, now):
                    raise BadDocument(f"{item.title[:80]!r} can't be believed: {why}")
                if item.source != source.name:
                    raise BadDocument(f"the plug-in {source.kind!r} names another source than its own")
        except BadDocument as error:
            self.items.keep_aside(source.name, document, str(error), now)
            raise
        return items

    def _failed(self, source: Source, state: SourceState, why: str, retry_after_ms: int = 0) -> None:
        now = self.clock.now_ms()
        after = after_failure(state, now, why, retry_after_ms, local=source.local)
        self.items.keep([], after, now)
        self.states[source.name] = after
        _log.warning("source_failed", source=source.name, reason=why, failures=after.failures)

    def view(self, source: Source) -> SourceView:
        """How a source is, in words."""
        state = self.states[source.name]
        on = self.enabled and source.name not in self.off
        trouble = state.trouble
        if source.name in self.hanging:
            trouble = f"it has been busy for more than {self.hangs_after_s:.0f} s; restart the client to try it again"
        elif state.given_up:
            trouble = f"given up after {state.failures} failures in a row, until the client is started again: {trouble}"
        next_ms = state.next_ms if on and not state.given_up else 0
        kept = self.items.count(source.name)
        return SourceView(
            source.name, source.kind, source.address, on, state.success_ms, next_ms, kept, trouble if on else ""
        )

    async def probe(self) -> str:
        """For the health page: says honestly when nothing is collected."""
        if not self.sources:
            return "off: no sources are configured"
        active = self.active()
        if not active:
            return f"off by the switch; {len(self.sources)} source(s) are configured"
        views = await asyncio.to_thread(lambda: [self.view(source) for source in active])
        troubled = [f"{view.name}: {view.trouble}" for view in views if view.trouble]
        if len(troubled) == len(active):
            raise RuntimeError("no source answers: " + "; ".join(troubled)[:300])
        tally = await asyncio.to_thread(self.items.tally)
        waiting = f", {tally.waiting} wait for the server" if tally.waiting else ""
        lost = f", {tally.dropped} were dropped before the server had them" if tally.dropped else ""
        note = f"; in trouble: {'; '.join(troubled)[:300]}" if troubled else ""
        return f"{len(active)} source(s), {self.collected} new item(s) since the start{waiting}{lost}{note}"

    def accept(self, request: picows.WSUpgradeRequest, peer: Peer) -> "picows.WSUpgradeResponseWithListener | None":
        """GET /items, the newest two hundred; GET /sources, how each is; GET /outbox, for the courier alone."""
        path, _, query = request.path.partition(b"?")
        if request.method != b"GET":
            return None
        if path == OUTBOX_PAGE.encode():
            if peer.identity != COURIER:
                return answer(403, b'{"code":"courier_only"}', "application/json")
            asked = parse_qs(query.decode("latin-1"))
            page = self.items.outbox(_number(asked, "stored"), _number(asked, "refused"))
            return answer(200, msgspec.msgpack.encode(page), "application/octet-stream")
        if path == b"/items":
            return answer(200, msgspec.json.encode(self.items.newest()), "application/json")
        if path == b"/sources":
            views = tuple(map(self.view, self.sources))
            now, kinds = self.clock.now_ms(), self.kinds.names()
            status = StatusView(self.enabled, views, kinds, self.items.tally(), now)
            return answer(200, msgspec.json.encode(status), "application/json")
        return None


def _number(asked: dict[str, list[str]], name: str) -> int:
    text = asked.get(name, ["0"])[0]
    return int(text) if text.isdecimal() and len(text) < 19 else 0

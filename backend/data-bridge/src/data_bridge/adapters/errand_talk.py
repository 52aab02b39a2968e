"""Errands of a terminal's PC: a question, its answer, the next question, on a short connection of its own."""

import asyncio
from dataclasses import dataclass, field

import picows

from contracts.client_config import ConfigQuestion
from contracts.codec import decode, encode
from contracts.errands import (
    ANSWER_WITHIN_S,
    IDLE_S,
    MAX_FRAME_BYTES,
    ConfigWanted,
    DownErrand,
    NewsBatch,
    NewsTaken,
    NoNewer,
    NotNow,
    UpErrand,
)
from contracts.errors import ContractError
from contracts.news import NEWS_KEEP, NewsKeep
from contracts.rpc import TERMINAL_CONFIG
from data_bridge.domain.counts import Counts
from data_bridge.domain.errands import Allowance, judge
from data_bridge.domain.greeting import Identity
from data_bridge.ports import Shelf, Trail
from kit import log
from kit.bus import Bus
from kit.clock import Clock
from kit.errors import AnswerFault, BusUnavailable

MOST_AT_ONCE = 256
LONGEST_S = 120.0
"""Of one connection: a PC with more to say comes again."""

_log = log.get("errands")


@dataclass(slots=True)
class Errands:
    """Makes a listener per connection, so many at once and one for each terminal."""

    bus: Bus
    clock: Clock
    counts: Counts
    trail: Trail
    shelf: Shelf
    allowance: Allowance = field(default_factory=Allowance)
    open: "dict[tuple[str, str], ErrandTalk]" = field(default_factory=dict)
    """ (tenant, terminal) -> its connection """

    def begin(self, who: Identity) -> "ErrandTalk | None":
        """None: too many already. A terminal's newer connection replaces its older one."""
        older = self.open.get((who.tenant, who.terminal))
        if older is not None:
            older.close()
        elif len(self.open) >= MOST_AT_ONCE:
            return None
        talk = self.open[who.tenant, who.terminal] = ErrandTalk(self, who)
        return talk

    def dismiss(self, *, tenant: str = "", terminal: str = "") -> None:
        """Somebody was revoked: hang up."""
        for talk in list(self.open.values()):
            if talk.who.tenant == tenant or talk.who.terminal == terminal:
                talk.close()

    async def answer(self, who: Identity, data: bytes) -> DownErrand:
        """What to tell the PC; nothing is taken that the store does not hold."""
        try:
            errand: UpErrand = decode(data, UpErrand)  # type: ignore[arg-type]  # a union is a type to msgspec
        except ContractError as error:
            return self._refused(who, data, "malformed", f"this is no errand: {error}")
        if isinstance(errand, ConfigWanted):
            return await self._config(who, errand)
        return await self._news(who, errand, data)

    async def _config(self, who: Identity, wanted: ConfigWanted) -> DownErrand:
        try:
            question = ConfigQuestion(who.tenant, who.account, wanted.revision)
            found = (await self.bus.ask(TERMINAL_CONFIG, question, ANSWER_WITHIN_S)).config
        except (BusUnavailable, AnswerFault) as error:
            _log.warning("config_not_told", tenant=who.tenant, error=str(error))
            return NotNow("unavailable", "the hub does not tell settings just now; try again in a minute")
        return NoNewer() if found is None else found

    async def _news(self, who: Identity, batch: NewsBatch, data: bytes) -> DownErrand:
        now_ms = self.clock.now_ms()
        judged = judge(batch, now_ms)
        if isinstance(judged, str):
            return self._refused(who, data, "too_much", judged)
        for _, reason in judged.refused:
            self.counts.refuse("bad_news")
            self.trail.refusal(who.tenant, who.terminal, "bad_news", reason)
        if not self.allowance.take(who.tenant, who.terminal, len(judged.news) + len(judged.events), now_ms):
            self.counts.refuse("too_many_news")
            return NotNow("too_many_news", "this PC has brought more news today than a day may have; it waits")
        if judged.news or judged.events:
            keep = NewsKeep(who.tenant, who.terminal, now_ms, judged.news, judged.events)
            try:
                await self.bus.ask(NEWS_KEEP, keep, ANSWER_WITHIN_S)
            except (BusUnavailable, AnswerFault) as error:
                _log.warning("news_not_kept", tenant=who.tenant, error=str(error))
                return NotNow("unavailable", "the store does not take news just now; try again in a minute")
        return NewsTaken(judged.refused)

    def _refused(self, who: Identity, data: bytes, code: str, reason: str) -> NotNow:
        self.counts.refuse(code)
        self.shelf.put(who, code, data)
        self.trail.refusal(who.tenant, who.terminal, code, reason)
        return NotNow(code, reason, retry=False)


class ErrandTalk(picows.WSListener):
    """One connection; questions are answered one at a time, so a fast PC waits for its answers."""

    def __init__(self, errands: Errands, who: Identity) -> None:
        super().__init__()
        self._errands, self.who = errands, who
        self._transport: picows.WSTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The first errand must follow."""
        self._transport = transport
        self._end = asyncio.get_running_loop().call_later(LONGEST_S, self.close)
        self._wait()

    def _wait(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.close)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """An errand; a second one before the answer, or anything else, ends the connection."""
        if frame.msg_type in (picows.WSMsgType.PING, picows.WSMsgType.PONG):
            return
        if self._task is not None or frame.msg_type is not picows.WSMsgType.BINARY or not frame.fin:
            self.close(picows.WSCloseCode.POLICY_VIOLATION)
            return
        data = frame.get_payload_as_bytes()
        if len(data) > MAX_FRAME_BYTES:
            self.close(picows.WSCloseCode.MESSAGE_TOO_BIG)
            return
        if self._idle is not None:
            self._idle.cancel()
        self._task = asyncio.create_task(self._answer(transport, data))

    async def _answer(self, transport: picows.WSTransport, data: bytes) -> None:
        said = await self._errands.answer(self.who, data)
        self._task = None
        if not transport.is_disconnected:
            transport.send(picows.WSMsgType.BINARY, encode(said))
            self._wait()

    def close(self, code: picows.WSCloseCode = picows.WSCloseCode.OK) -> None:
        """Hang up."""
        transport = self._transport
        if transport is not None and not transport.is_disconnected:
            transport.send_close(code)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Over. What was on its way to the store is told again by the PC: it was not answered."""
        for timer in (self._idle, self._end):
            if timer is not None:
                timer.cancel()
        if self._errands.open.get((self.who.tenant, self.who.terminal)) is self:
            del self._errands.open[self.who.tenant, self.who.terminal]

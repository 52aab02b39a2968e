"""One terminal's connection: carries frames into the session and its effects out, and knows no rules itself."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
import picows

from contracts.rpc import LeaseTaken, LeaseWish, Stored
from contracts.subjects import account as account_subject
from contracts.uplink import MAX_FRAME_BYTES, Control, Hello
from data_bridge.adapters.key_list_file import KeyListFile
from data_bridge.adapters.outlet import Outlet
from data_bridge.adapters.picows_wire import PicowsWire
from data_bridge.adapters.roster import Roster
from data_bridge.adapters.signal_feed import SignalFeed
from data_bridge.adapters.state_slot import StateSlot
from data_bridge.domain.counts import Counts
from data_bridge.domain.effects import (
    AskStored,
    AwaitBus,
    Close,
    Effect,
    ExecutionOut,
    Greet,
    KeepState,
    Kept,
    Lent,
    Outgoing,
    Send,
)
from data_bridge.domain.greeting import Identity
from data_bridge.domain.session import Phase, Session
from data_bridge.ports import Shelf, Store, Trail
from data_bridge.settings import Settings
from kit import log
from kit.backoff import Backoff
from kit.bus import Bus
from kit.clock import Clock

JOIN_WITHIN_S = 0.001
"""While several messages are on their way already, ticks wait this long for company."""
ALONE_BELOW = 4
SEND_STUCK_MS = 15_000
"""A terminal that takes nothing for this long is gone, whatever its TCP says."""

_log = log.get("terminal")
_encode = msgspec.msgpack.Encoder().encode
_BINARY = picows.WSMsgType.BINARY
_CLOSE = picows.WSMsgType.CLOSE
_CONTROL = (picows.WSMsgType.PING, picows.WSMsgType.PONG)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every connection uses."""

    bus: Bus
    store: Store
    clock: Clock
    counts: Counts
    roster: Roster
    trail: Trail
    shelf: Shelf
    settings: Settings
    keys: KeyListFile


class Connection(picows.WSListener):
    """picows calls `on_ws_*`; the service calls `tick`, `replaced`, `on_stored` and `shut`."""

    def __init__(self, who: Identity, session_id: str, around: Surroundings) -> None:
        self.who = who
        self.around = around
        config = around.settings
        self.session = Session(
            who, session_id, around.counts, around.clock.now_ms(), oldest_version=config.oldest_client_version
        )
        self.outlet = Outlet(
            around.bus, around.counts, config.max_in_flight_messages, config.max_in_flight_bytes, self._ended
        )
        self.wire: PicowsWire | None = None
        self.gone = asyncio.Event()
        self.parted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._feed: SignalFeed | None = None
        self._scheduled = self._welcomed = False
        self._now_ms = around.clock.now_ms()
        self._states = StateSlot(around.bus, account_subject(who.tenant, who.account))
        self._stuck_since_ms = 0
        self._failing = False
        self._patience = Backoff(0.05, 3.0).delays()
        self._end = "connection lost"
        self._tasks: set[asyncio.Task[None]] = set()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The upgrade is done; Hello must follow."""
        self.wire = PicowsWire(transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Take a frame; what comes of it is carried out once per turn of the loop."""
        if not self._scheduled:
            self._now_ms = self.around.clock.now_ms()
            self._schedule()
        if frame.msg_type is _BINARY and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
            self.session.receive(frame.get_payload_as_memoryview(), self._now_ms)
        else:
            self._other_frame(frame)

    def _other_frame(self, frame: picows.WSFrame) -> None:
        if frame.msg_type is _CLOSE:
            self._end = f"closed by the terminal ({frame.get_close_code()})"
            if self.wire is not None:
                self.wire.close("terminal_left", "goodbye")
        elif frame.msg_type in _CONTROL:
            self.session.heard_ms = self._now_ms
        else:
            reason = "one whole binary frame per message; no text, no fragments, no extensions"
            self.session.keep_out("not_binary", reason, frame.get_payload_as_bytes(), self._now_ms)

    def _schedule(self) -> None:
        self._scheduled = True
        if self.outlet.messages < ALONE_BELOW:
            self._loop.call_soon(self._turn)
        else:
            self._loop.call_later(JOIN_WITHIN_S, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._carry_out()
        self._publish()

    def _publish(self) -> None:
        outlet, session = self.outlet, self.session
        while outlet.room:
            message = session.next_message(self._now_ms)
            if message is None:
                break
            outlet.start(message)
        if self.wire is not None:
            if not outlet.room:
                self.wire.hold("bus")
            elif outlet.half_empty:
                self.wire.release("bus")

    def _carry_out(self) -> None:
        if self.session.effects:
            for effect in self.session.drain(self._now_ms):
                self._do(effect)

    def _do(self, effect: Effect) -> None:
        around, who = self.around, self.who
        if isinstance(effect, Send):
            if self.wire is not None:
                self.wire.send(_encode(effect.frame))
        elif isinstance(effect, Kept):
            around.counts.refuse(effect.code)
            around.trail.refusal(who.tenant, who.account, effect.code, effect.reason)
            around.shelf.put(who, effect.code, effect.frame)
        elif isinstance(effect, KeepState):
            if self._states.put(effect.state):
                self._run(self._states.publish())
        elif isinstance(effect, AskStored):
            self._run(self._ask(effect.epoch))
        elif isinstance(effect, AwaitBus):
            self._run(self._await_bus(effect.epoch))
        elif isinstance(effect, Greet):
            self._run(self._greet(effect.hello))
        elif isinstance(effect, Lent):
            self._run(self._open_feed())
        elif isinstance(effect, Close):
            self._end = f"{effect.code}: {effect.reason}"
            if self.wire is not None:
                self.wire.close(effect.code, effect.reason)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("connection_failed", account=self.who.account, error=repr(error), exc_info=error)
            self.session.goodbye("internal", "the bridge met an unexpected error; its log says which", retry=True)
            self._turn()

    async def _greet(self, hello: Hello) -> None:
        who, around, mine = self.who, self.around, self.session.id
        wish = LeaseWish(who.tenant, who.account, hello.journal, hello.last_session, mine, who.terminal, hello.claim, 0)
        # first: whoever was replaced while it was away must not replace anybody
        taken = await self._take(wish)
        # whoever is here stays while nobody can say whose the account is: a stale client must end nobody
        if taken is None and around.roster.is_anothers(who.tenant, who.account, hello.journal):
            self.session.goodbye("store_unavailable", "nobody can say now whose the account is; try again", retry=True)
        if self.session.phase is not Phase.GREETING:
            self._turn()
            return
        await around.roster.enter(who.tenant, who.account, self, hello.journal)
        self._lend(wish, taken)
        stored: Stored | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(around.settings.welcome_within_s):
                delays = Backoff(0.1, 2.0).delays()
                while self.session.phase is Phase.GREETING:
                    stored = await around.store.stored(who.tenant, who.account, hello.epoch)
                    if stored is not None:
                        break
                    await asyncio.sleep(next(delays))
        if stored is None:
            reason = "the store does not answer; the terminal keeps its ticks and tries again"
            self.session.goodbye("store_unavailable", reason, retry=True)
        elif self.session.welcome(stored, hello.epoch, around.clock.now_ms()):
            self.rekeyed()
            detail = {"terminal": who.terminal, "session": self.session.id, "os": hello.os[:64]}
            around.trail.record(who.tenant, "terminal_connected", who.account, detail)
            self._welcomed = True
        self._turn()

    async def _take(self, wish: LeaseWish) -> LeaseTaken | None:
        """Ask for the account once; a refusal ends the conversation."""
        if not wish.journal:
            return None  # a client too old to have one gets no orders
        taken = await self.around.store.lease(msgspec.structs.replace(wish, now_ms=self.around.clock.now_ms()))
        if taken is not None and not taken.fence:
            self._do(Kept("fenced", f"the account was lent to {taken.holder} since"))
            reason = (
                f"another client of this account ({taken.holder}) was started later; only one may trade it. "
                "Start this one again if it is to trade"
            )
            self.session.goodbye("fenced", reason, retry=False)
        return taken

    def _lend(self, wish: LeaseWish, taken: LeaseTaken | None) -> None:
        if taken is None:
            if wish.journal:
                self._run(self._lend_later(wish))
            return
        self.session.lent(taken, self.around.clock.now_ms())
        if taken.wait:
            detail = {"terminal": taken.holder, "fence": str(taken.fence), "session": self.session.id}
            self.around.trail.record(self.who.tenant, "terminal_lease_changed", self.who.account, detail)

    async def _lend_later(self, wish: LeaseWish) -> None:
        """The store was silent: ticks flow without a lease, orders wait for one."""
        for delay in Backoff(0.2, 5.0).delays():
            await asyncio.sleep(delay)
            if self.session.phase is Phase.CLOSED:
                return
            if (taken := await self._take(wish)) is not None:
                if taken.fence:
                    self._lend(wish, taken)
                self._turn()
                return

    async def _open_feed(self) -> None:
        if self._feed is not None or self.wire is None:
            return
        around, who, session = self.around, self.who, self.session
        self._feed = SignalFeed(
            around.bus,
            around.clock,
            around.trail,
            around.counts,
            who.tenant,
            who.account,
            self.wire.send,
            lambda: session.withheld(around.clock.now_ms()),
        )
        await self._feed.open()

    async def _ask(self, epoch: int) -> None:
        stored = await self.around.store.stored(self.who.tenant, self.who.account, epoch)
        now_ms = self.around.clock.now_ms()
        if stored is None:
            self.session.unanswered(now_ms)
        else:
            self.session.answered(stored, now_ms)
        self._turn()

    async def _await_bus(self, epoch: int) -> None:
        while not self.gone.is_set():
            # a bus that answers and yet takes no message is waited for as well, longer each time
            await asyncio.sleep(next(self._patience))
            try:
                await self.around.bus.probe()
                break
            except Exception as error:  # noqa: BLE001 a probe may fail in any way; all of them mean "still away"
                _log.warning("bus_away", account=self.who.account, error=str(error))
        stored = await self.around.store.stored(self.who.tenant, self.who.account, epoch)
        self.session.bus_back(stored, self.around.clock.now_ms())
        self._turn()

    def _ended(self, message: Outgoing, arrived: bool) -> None:
        if arrived:
            self.session.published(message)
            if self._failing:
                self._failing = False
                self._patience = Backoff(0.05, 3.0).delays()
            if isinstance(message, ExecutionOut) and self._feed is not None:
                self._run(self._feed.executed(message.execution))
        else:
            self._failing = True
            self.session.failed(message)
        if not self._scheduled:
            self._now_ms = self.around.clock.now_ms()
            self._turn()

    def tick(self) -> None:
        """A few times a second: let the session look at the clock."""
        now_ms = self._now_ms = self.around.clock.now_ms()
        self.session.tick(now_ms, reading=self.wire is None or self.wire.reading)
        if self._stuck_since_ms and now_ms - self._stuck_since_ms >= SEND_STUCK_MS and self.wire is not None:
            self._end = "the terminal takes nothing"
            self.wire.transport.disconnect(graceful=False)
        if self._feed is not None and self._feed.desk.waiting:
            self._run(self._feed.tick())
        self._turn()

    def rekeyed(self) -> None:
        """Tell the terminal which keys may sign; before its signals, which may need it."""
        if self.around.keys.newest is not None and self.session.phase is Phase.OPEN:
            self.session.effects.append(Send(Control(self.around.keys.newest)))

    def on_stored(self, stored: Stored) -> None:
        """The store has committed something of this account."""
        self._now_ms = self.around.clock.now_ms()
        self.session.stored(stored, self._now_ms)
        self._turn()

    @property
    def journal(self) -> str:
        """Its client's."""
        return self.session.posture.journal

    def replaced(self, journal: str) -> None:
        """A newer connection of the account has taken over."""
        if journal == self.session.posture.journal:
            self.session.goodbye("replaced", "a newer connection of this client has taken over", retry=False)
        else:
            reason = "another client of this account was started since; start this one again if it is to trade"
            self.session.goodbye("fenced", reason, retry=False)
        self._turn()

    async def shut(self, within_s: float) -> None:
        """The service stops: publish what was taken, say goodbye, close."""
        try:
            async with asyncio.timeout(within_s):
                self.session.goodbye("restarting", "the bridge is restarting; connect again", retry=True)
                self._turn()
                while self.session.intake.waiting or self.outlet.messages:
                    await self.outlet.idle.wait()
                    self._turn()
                await self.gone.wait()
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            _log.warning("closed_unfinished", account=self.who.account, in_flight=self.outlet.messages)

    def pause_writing(self) -> None:
        """The terminal takes too slowly: read nothing from it either, or answers would pile up."""
        self._stuck_since_ms = self.around.clock.now_ms()
        if self.wire is not None:
            self.wire.hold("terminal")

    def resume_writing(self) -> None:
        """It takes again."""
        self._stuck_since_ms = 0
        if self.wire is not None:
            self.wire.release("terminal")

    def send_user_specific_ping(self, transport: picows.WSTransport) -> None:
        """The edge's own ping would end a connection that we do not read for a while: the session's liveness stands
        in for it."""
        self._loop.call_soon(transport.notify_user_specific_pong_received)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The socket is gone."""
        self.gone.set()
        sent = transport.close_handshake.sent if transport.close_handshake else None
        if sent is not None and sent.code is picows.WSCloseCode.MESSAGE_TOO_BIG:
            self._end = "oversize"
            self._do(Kept("oversize", f"a frame has more than {MAX_FRAME_BYTES} bytes"))
        self.session.phase = Phase.CLOSED
        if self._welcomed:
            detail = {"terminal": self.who.terminal, "session": self.session.id, "reason": self._end}
            self.around.trail.record(self.who.tenant, "terminal_disconnected", self.who.account, detail)
        self._run(self._part())
        self._publish()

    async def _part(self) -> None:
        # only then may the account's next connection open the same durable consumer
        if self._feed is not None:
            await self._feed.close()
        self.around.roster.leave(self.who.tenant, self.who.account, self)
        self.parted.set()

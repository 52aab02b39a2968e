"""The one WebSocket to the server: hello, resume, send within the window, obey acks and rewinds, reconnect."""

import asyncio
import contextlib
import platform
from collections.abc import Callable
from typing import Protocol

import picows

from client_security.adapters.wire import TurnedAway, dial
from client_security.membership import Membership
from contracts.accounts import AccountState
from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.executions import Execution
from contracts.rotation import SignedKeyList
from contracts.signals import SignedSignal
from contracts.uplink import (
    MAX_FRAME_BYTES,
    PING_EVERY_MS,
    PROTOCOL_VERSION,
    SILENT_MS,
    AccountFrame,
    Ack,
    Control,
    DownFrame,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Refused,
    Rewind,
    Welcome,
)
from kit import log
from kit.backoff import Backoff
from kit.clock import Clock
from kit.errors import KitError
from metatrader_connector.ports import Standing

SILENT_S = SILENT_MS / 1000
UNHEARD_S = 2.5
"""Two questions in a row without an answer: not ready, though it may be a slow link."""
HANDSHAKE_S = 10.0
MOST_WAITING = 10_000
"""Frames from the server that may wait to be handled; one that sends more is hung up on."""
MOST_ASKED = 60
"""Questions without an answer that are remembered."""
WRITE_BUFFER = 1 << 16
"""Bytes in the socket's buffer above which ticks wait, so that an order or execution never queues behind many."""
RECONNECT = Backoff(0.5, 15.0, jitter=0.9)
"""Spread widely from the first try on: when a server comes back, all of its clients come back."""
_log = log.get("uplink")


class StoppedByServer(KitError):
    """The server said goodbye for good; the text is what to tell the trader."""

    exit_code = 3


class Peer(Protocol):
    """Who hears what the server says."""

    async def welcomed(self, welcome: Welcome) -> None:
        """A new connection stands: adjust to what the server has. OSError makes it start again."""
        ...

    async def misdated(self) -> None:
        """The server takes no numbers of this epoch: it lies in the future."""
        ...

    async def resumed(self) -> None:
        """Now sending is possible: executions first."""
        ...

    async def acked(self, ack: Ack) -> None:
        """The store has more."""
        ...

    async def ponged(self, pong: Pong, asked_ns: int, heard_ns: int) -> None:
        """The answer to a question of ours; when it was asked and heard, on `Clock.boot_ns`."""
        ...

    async def rekeyed(self, signed: SignedKeyList) -> None:
        """Which keys may sign from now on; signals that follow may need it."""
        ...

    def rewound(self, rewind: Rewind) -> None:
        """Send again."""
        ...

    async def signalled(self, signed: SignedSignal, received_ns: int) -> None:
        """An order to judge."""
        ...


class _Listener(picows.WSListener):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.transport: picows.WSTransport | None = None
        self.incoming: asyncio.Queue[tuple[bytes, int, int] | None] = asyncio.Queue()
        self.writable = asyncio.Event()
        self.writable.set()
        self.heard_ns = clock.monotonic_ns()
        self.closed = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.heard_ns = self.clock.monotonic_ns()
        if self.incoming.qsize() >= MOST_WAITING:
            transport.disconnect()  # whatever is lost is told again after the next Welcome
        elif frame.msg_type == picows.WSMsgType.BINARY and frame.fin:
            self.incoming.put_nowait((frame.get_payload_as_bytes(), self.heard_ns, self.clock.boot_ns()))
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.closed.set()
        self.writable.set()
        self.incoming.put_nowait(None)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class Uplink:
    """Run `run(peer)` as a task. `connected` is true between Welcome and the end of the connection."""

    _peer: Peer

    def __init__(
        self,
        membership: Membership,
        epoch: Callable[[], int],
        version: str,
        clock: Clock,
        standing: Callable[[], Standing] = Standing,
    ) -> None:
        self._membership, self._epoch, self._version = membership, epoch, version
        self._standing = standing
        self._clock = clock
        self._listener: _Listener | None = None
        self.connected = False
        self.trouble = "not connected yet"
        self.session = ""
        self.frames_refused = 0
        self._asked: dict[int, int] = {}
        """ stamp of a Ping -> when it was sent, on the boot clock """
        self._stamp = 0

    async def run(self, peer: Peer) -> None:
        """Connect, tell `peer` what the server says, reconnect, for ever. StoppedByServer: trying again can't help."""
        self._peer = peer
        delays = RECONNECT.delays()
        while True:
            began = self._clock.monotonic_ns()
            try:
                await self._one_connection()
            except TurnedAway as refusal:
                if refusal.code == "revoked":
                    raise StoppedByServer(str(refusal)) from None
                self.trouble = f"the server turned this PC away: {refusal} ({refusal.code})"
                _log.warning("uplink_refused", reason=self.trouble)
            except (OSError, TimeoutError, picows.WSError, ContractError, asyncio.IncompleteReadError) as error:
                server = self._membership.enrolment.server
                self.trouble = f"no connection to {server}: {error or type(error).__name__}"
                _log.warning("uplink_down", reason=self.trouble)
            finally:
                self.connected = False
                self._hang_up()
            if self._clock.monotonic_ns() - began > 30 * 10**9:
                delays = RECONNECT.delays()
            await asyncio.sleep(next(delays))

    async def _one_connection(self) -> None:
        ticket = await self._membership.ticket()
        enrolment = self._membership.enrolment
        url = enrolment.server
        try:
            _, listener = await dial(
                url,
                lambda: _Listener(self._clock),
                ticket.context,
                self._membership.last,
                {"Authorization": f"Bearer {ticket.token}"},
                MAX_FRAME_BYTES,
            )
        except TurnedAway as refusal:
            self._membership.turned_away(ticket, refusal.code)
            raise
        assert isinstance(listener, _Listener), "the factory made it"
        self._listener = listener
        hello = Hello(
            PROTOCOL_VERSION,
            enrolment.tenant,
            enrolment.account,
            self._epoch(),
            self._version,
            self._clock.now_ms(),
            *self._standing(),
            f"{platform.system()} {platform.release()}",
        )
        self._asked.clear()
        self._send(encode(Control(hello)))
        async with asyncio.timeout(HANDSHAKE_S):
            first = await self._next()
        if not isinstance(first, Control) or not isinstance(first.body, Welcome):
            if isinstance(first, Control) and isinstance(first.body, Goodbye) and first.body.code == "bad_epoch":
                await self._peer.misdated()
            self._refuse_or_leave(first)
            return
        await self._peer.welcomed(first.body)
        self.session, self.trouble, self.connected = first.body.session, "", True
        await self._peer.resumed()
        _log.info("connected", server=url, session=self.session)
        keeping = asyncio.create_task(self._keep_alive(listener))
        try:
            while True:
                await self._heard(await self._next())
        finally:
            keeping.cancel()

    async def _next(self) -> "DownFrame":
        assert self._listener is not None, "called while connected"
        item = await self._listener.incoming.get()
        if item is None:
            raise OSError("the connection ended")
        data, self._received_ns, self._heard_boot_ns = item
        frame: DownFrame = decode(data, DownFrame)  # type: ignore[arg-type]
        return frame

    _received_ns = _heard_boot_ns = 0

    async def _heard(self, frame: "DownFrame") -> None:
        if isinstance(frame, SignedSignal):
            await self._peer.signalled(frame, self._received_ns)
            return
        body = frame.body
        if isinstance(body, Ack):
            await self._peer.acked(body)
        elif isinstance(body, Rewind):
            self._peer.rewound(body)
        elif isinstance(body, Ping):
            self._send(encode(Control(Pong(body.sent_ms, self._clock.now_ms()))))
        elif isinstance(body, Pong):
            if (asked := self._asked.pop(body.sent_ms, None)) is not None:
                await self._peer.ponged(body, asked, self._heard_boot_ns)
        elif isinstance(body, SignedKeyList):
            await self._peer.rekeyed(body)
        elif isinstance(body, Refused):
            self.frames_refused += 1
            _log.warning("frame_refused", code=body.code, reason=body.reason)
        else:
            self._refuse_or_leave(frame)

    def _refuse_or_leave(self, frame: "DownFrame") -> None:
        if isinstance(frame, Control) and isinstance(frame.body, Goodbye):
            said = frame.body
            text = f"the server said goodbye: {said.reason} ({said.code})"
            if not said.retry:
                self.trouble = text
                raise StoppedByServer(text)
            raise OSError(text)

    async def _keep_alive(self, listener: _Listener) -> None:
        """A ping every second, which renews the lease; hang up after two heartbeats of silence."""
        while True:
            self.ask()
            await asyncio.sleep(PING_EVERY_MS / 1000)
            now = self._clock.monotonic_ns()
            if why := self._membership.objection():
                _log.error("server_no_longer_believed", reason=why)
                self._hang_up()
                return
            if now - listener.heard_ns > SILENT_S * 1e9:
                _log.warning("server_silent", seconds=SILENT_S)
                self._hang_up()
                return

    def ask(self) -> int:
        """Send a Ping behind everything that was sent; its stamp, which no other question has. 0: not connected."""
        if not self.connected:
            return 0
        self._stamp = max(self._stamp + 1, self._clock.now_ms())
        self._asked[self._stamp] = self._clock.boot_ns()
        while len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        return self._stamp if self._send(encode(Control(Ping(self._stamp)))) else 0

    def _hang_up(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None and listener.transport is not None:
            listener.transport.disconnect()
            listener.on_ws_disconnected(listener.transport)

    def _send(self, frame: bytes) -> bool:
        listener = self._listener
        if listener is None or listener.transport is None or listener.closed.is_set():
            return False
        listener.transport.send(picows.WSMsgType.BINARY, frame)
        return True

    def writable(self) -> bool:
        """Whether ticks may be sent now; orders and executions always may."""
        return self.connected and self._listener is not None and self._listener.writable.is_set()

    async def until_writable(self) -> None:
        """Wait until the socket's buffer has drained (or the connection has ended)."""
        if self._listener is not None:
            await self._listener.writable.wait()

    def send_ticks(self, frame: bytes) -> bool:
        """Send an encoded TickBatch. False: not connected."""
        return self.connected and self._send(frame)

    def send_execution(self, execution: Execution) -> bool:
        """Send at once. False: not connected; it goes up after the next Welcome."""
        return self.connected and self._send(encode(execution))

    def send_state(self, state: AccountState) -> bool:
        """Send a picture of the account. False: not connected; a newer one will follow."""
        return self.connected and self._send(encode(AccountFrame(state)))

    async def probe(self) -> str:
        """For the health page: a ping must be answered or something else heard."""
        if not self.connected or self._listener is None:
            raise OSError(self.trouble or "not connected")
        silent_s = (self._clock.monotonic_ns() - self._listener.heard_ns) / 1e9
        if silent_s > UNHEARD_S:
            raise OSError(f"the server was not heard for {silent_s:.0f} s")
        return "; ".join(filter(None, (f"session {self.session}", self._membership.warning())))

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(Exception):
            self._hang_up()

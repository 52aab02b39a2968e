"""One question and one answer with a PC that joins or renews: the bridge carries it to the hub and decides nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import picows

from contracts.codec import decode, encode
from contracts.errors import ContractError
from contracts.rpc import TERMINAL_JOIN, TERMINAL_RENEW
from contracts.terminals import (
    ANSWER_WITHIN_S,
    JOIN_PATH,
    MAX_JOIN_BYTES,
    Joined,
    JoinQuestion,
    JoinRequest,
    NotJoined,
    RenewQuestion,
    RenewRequest,
)
from data_bridge.domain.counts import Counts
from data_bridge.ports import Trail
from kit import log
from kit.bus import Bus
from kit.clock import Clock
from kit.edge import Peer
from kit.errors import AnswerFault, BusUnavailable
from kit.limits import Limiter, peer_of

ASK_WITHIN_S = 5.0
"""From the upgrade to the question."""
MOST_AT_ONCE = 32
MOST_OF_ONE = 8
"""Of one address that shows no certificate: nobody keeps all others from joining."""
MOST_A_MINUTE = 30
"""From one address that shows no certificate: each is a question to the hub. PCs behind one address come again."""
BUSY_S = 3
FINAL = frozenset(
    {
        "join_token",
        "join_token_used",
        "join_token_expired",
        "revoked",
        "request",
        "unknown_terminal",
        "wrong_certificate",
        "wrong_key",
        "bad_proof",
        "too_late",
    }
)
""" codes of the hub after which trying again can't help; after any other the terminal comes again """

_log = log.get("join")


@dataclass(slots=True)
class Talks:
    """Makes a listener per conversation, so many at once at most."""

    bus: Bus
    counts: Counts
    trail: Trail
    operator_tenant: str
    renewed: Callable[[Joined], None]
    """Told of every renewal: an open connection of the terminal may live on."""
    clock: Clock
    pace: Limiter = field(default_factory=lambda: Limiter(MOST_A_MINUTE))
    open: "set[Talk]" = field(default_factory=set)

    def begin(self, path: str, peer: Peer) -> "Talk | int":
        """The conversation, or after how many seconds there may be room for it."""
        if peer.identity is None:
            home = peer_of(peer.address)
            strangers = [peer_of(talk.peer.address) for talk in self.open if talk.peer.identity is None]
            if len(strangers) >= MOST_AT_ONCE or strangers.count(home) >= MOST_OF_ONE:
                return BUSY_S
            if wait_ms := self.pace.wait_ms(home, self.clock.now_ms()):
                return -(-wait_ms // 1000)
        elif len(self.open) >= 2 * MOST_AT_ONCE:  # terminals that renew have places that no stranger takes
            return BUSY_S
        talk = Talk(self, path, peer)
        self.open.add(talk)
        return talk

    async def ask(self, path: str, data: bytes, peer: Peer) -> Joined | NotJoined:
        """What the hub says."""
        try:
            if path == JOIN_PATH:
                join = JoinQuestion(decode(data, JoinRequest), peer.address)
                return await self.bus.ask(TERMINAL_JOIN, join, ANSWER_WITHIN_S)
            shown = peer.identity.name if peer.identity is not None else ""
            joined = await self.bus.ask(
                TERMINAL_RENEW, RenewQuestion(decode(data, RenewRequest), shown, peer.address), ANSWER_WITHIN_S
            )
        except ContractError as error:
            return self._refused("malformed", f"this is no request to join or renew: {error}", retry=False)
        except AnswerFault as fault:
            return self._refused(fault.code, fault.reason, retry=fault.code not in FINAL)
        except BusUnavailable as error:
            _log.warning("hub_silent", error=str(error))
            return self._refused("hub_unavailable", "the hub does not answer; try again in a few seconds", retry=True)
        self.renewed(joined)
        return joined

    def _refused(self, code: str, reason: str, *, retry: bool) -> NotJoined:
        self.counts.refuse(code)
        self.trail.refusal(self.operator_tenant, "join", code, reason)
        return NotJoined(code, reason, retry)


class Talk(picows.WSListener):
    """One frame each way, then it is closed."""

    def __init__(self, talks: Talks, path: str, peer: Peer) -> None:
        super().__init__()
        self._talks, self._path, self.peer = talks, path, peer
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The question must follow."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(ASK_WITHIN_S, self._close, transport, picows.WSCloseCode.POLICY_VIOLATION)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """The question; whatever else comes ends the conversation."""
        if self._task is not None or frame.msg_type is not picows.WSMsgType.BINARY or not frame.fin:
            self._close(transport, picows.WSCloseCode.POLICY_VIOLATION)
            return
        data = frame.get_payload_as_bytes()
        if len(data) > MAX_JOIN_BYTES:
            self._close(transport, picows.WSCloseCode.MESSAGE_TOO_BIG)
            return
        self._task = asyncio.create_task(self._answer(transport, data))

    async def _answer(self, transport: picows.WSTransport, data: bytes) -> None:
        said = await self._talks.ask(self._path, data, self.peer)
        if not transport.is_disconnected:
            transport.send(picows.WSMsgType.BINARY, encode(said))
        self._close(transport, picows.WSCloseCode.OK)

    def _close(self, transport: picows.WSTransport, code: picows.WSCloseCode) -> None:
        if not transport.is_disconnected:
            transport.send_close(code)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """Over. An answer that is still on its way from the hub is let go: the PC asks again with the same key."""
        if self._timer is not None:
            self._timer.cancel()
        self._talks.open.discard(self)

"""What the server says, handed to those whom it concerns."""

import asyncio
from dataclasses import dataclass

from client_security.domain.refusal import Refusal
from contracts.rotation import SignedKeyList
from contracts.signals import SignedSignal
from contracts.uplink import Ack, Pong, Rewind, StreamPosition, Welcome
from kit import log
from kit.clock import Clock
from metatrader_connector.domain.lease import Lease
from metatrader_connector.domain.server_clock import ServerClock
from metatrader_connector.failpoints import Failpoint, never
from metatrader_connector.order_desk import OrderDesk
from metatrader_connector.ports import Journal, Keeps, Line, Spool
from metatrader_connector.tick_flow import Forwarder

_log = log.get("routes")


class NewEpoch(OSError):
    """The numbering had to begin anew; the connection is made again to say so."""


@dataclass(slots=True)
class ServerSide:
    """Implements the uplink's Peer."""

    spool: Spool
    journal: Journal
    forwarder: Forwarder
    desk: OrderDesk
    line: Line
    clock: Clock
    lease: Lease
    server_clock: ServerClock
    keeps: Keeps
    welcome: Welcome | None = None
    failpoint: Failpoint = never

    async def welcomed(self, welcome: Welcome) -> None:
        """Compare what the store has with what the spool knows; agree, or begin a new epoch."""
        stored = self._ours(welcome.stored)
        newest, oldest = await self.spool.spooled(), await self.spool.oldest()
        ahead = {s: q for s, q in stored.items() if q > newest.get(s, 0)}
        behind = {s: q for s, q in oldest.items() if q > stored.get(s, 0) + 1}
        reports = [report.number for report in await self.journal.not_stored(welcome.execution_stored)]
        # a hole: what the store once confirmed was forgotten here, and has been lost there since
        holes = reports != list(range(welcome.execution_stored + 1, self.journal.newest_number + 1))
        if ahead or behind or holes or welcome.execution_stored > self.journal.newest_number:
            # the spool was lost or restored from a copy, or the store was: old numbers can't be continued truthfully
            epoch = max(self.clock.now_ms(), self.spool.epoch + 1)
            _log.warning("new_epoch", epoch=epoch, store_ahead=ahead, store_behind=behind, executions=holes)
            # the journal first: after a crash in between the next start brings it back, with nothing forgotten
            await self.journal.adopt_epoch(epoch, welcome.execution_stored)
            await self.spool.begin_epoch(epoch)
            self.forwarder.window.streams.clear()
            raise NewEpoch("the spool and the store disagree; beginning a new epoch")
        await self.forwarder.stored(stored)
        await self.journal.stored(welcome.execution_stored)
        self.forwarder.begin(newest, stored)
        self.welcome = welcome

    async def misdated(self) -> None:
        """The spool was made while this PC's clock was far ahead. The server has never taken anything of such an epoch,
        so all of it may begin anew now that the clock is right."""
        epoch = self.clock.now_ms()
        if epoch < self.spool.epoch:
            _log.warning("new_epoch", epoch=epoch, misdated=self.spool.epoch)
            await self.journal.adopt_epoch(epoch, 0)
            await self.spool.begin_epoch(epoch)
            self.forwarder.window.streams.clear()

    async def resumed(self) -> None:
        """Executions first, then the ticks that wait."""
        above = self.welcome.execution_stored if self.welcome else 0
        for report in await self.journal.not_stored(above):
            self.line.send_execution(report)
        self.forwarder.wake.set()

    async def acked(self, ack: Ack) -> None:
        """Only now may spool and journal forget."""
        if ack.stored:
            await self.forwarder.stored(self._ours(ack.stored))
        if ack.execution_stored:
            self.failpoint("before_stored")
            await self.journal.stored(ack.execution_stored)
            self.failpoint("after_stored")

    async def ponged(self, pong: Pong, asked_ns: int, heard_ns: int) -> None:
        """The server's clock, how long the way is, and whether it lends us the account."""
        self.forwarder.ponged(pong.sent_ms)
        self.server_clock.heard(asked_ns, heard_ns, pong.at_ms)
        if pong.fence and self.welcome is not None and self.journal.last_session != self.welcome.session:
            # before the first order of the lease: a copy of this journal made earlier must not pass for this one
            await self.journal.held_in(self.welcome.session)
        self.lease.renewed(pong.fence, asked_ns)

    async def rekeyed(self, signed: SignedKeyList) -> None:
        """A newer list of signal keys counts once it is kept; the others change nothing and are recorded."""
        keys = self.desk.trust.keys
        before = keys.newest
        found = keys.adopt(signed, self.clock.now_ms())
        if isinstance(found, Refusal):
            await self._record("signal_keys_refused", "", {"code": found.code, "reason": found.reason})
        elif found != before:
            await asyncio.to_thread(self.keeps.keep_signal_keys, signed)
            names = ",".join(key.key_id for key in found.keys)
            await self._record("signal_keys_changed", str(found.version), {"keys": names})

    async def _record(self, kind: str, subject: str, detail: dict[str, str]) -> None:
        _log.warning(kind, **detail)
        await asyncio.to_thread(self.desk.audit.append, self.clock.now_ms(), kind, subject, detail)

    def rewound(self, rewind: Rewind) -> None:
        """Send again; what was forgotten because the store had confirmed it can't be: then compare all anew."""
        if rewind.epoch == self.spool.epoch and rewind.from_seq <= self.forwarder.window.stream(rewind.symbol).stored:
            raise OSError(f"the store has lost ticks of {rewind.symbol} from {rewind.from_seq} on; connecting again")
        self.forwarder.rewound(rewind)

    async def signalled(self, signed: SignedSignal, received_ns: int) -> None:
        """An order to judge."""
        await self.desk.receive(signed, received_ns)

    def _ours(self, positions: tuple[StreamPosition, ...]) -> dict[str, int]:
        return {p.symbol: p.seq for p in positions if p.epoch == self.spool.epoch}

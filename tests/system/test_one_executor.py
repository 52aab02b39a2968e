"""Whatever freezes, crashes, is copied or forgets: no signal is executed twice. A model of all, driven at random.

The rules under test are the real ones: the store's `decide`, the bridge's `LeaseHold`, the client's `Lease`. The bridge
of the model has no memory at all: it hands any signal to whoever is connected, as often as the machine likes.
"""

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.rpc import LeaseWish
from contracts.signals import MAX_LIFETIME_MS
from data_bridge.domain.lease import LeaseHold
from database_service.domain.leases import Lease as StoredLease
from database_service.domain.leases import decide
from metatrader_connector.domain.lease import Lease

MS = 1_000_000
MOST_CLIENTS = 4
WHO = st.integers(0, MOST_CLIENTS - 1)


@dataclass(frozen=True)
class Signal:
    id: int
    fence: int
    expires_ms: int


@dataclass
class Disk:
    """What survives a client's process, and what a copy of the PC takes along."""

    journal: str
    last_session: str = ""
    executed: set[int] = field(default_factory=set)


@dataclass
class Client:
    disk: Disk
    lease: Lease | None = None
    """None: the process does not run."""
    frozen: bool = False
    connection: int = 0
    inbox: list[object] = field(default_factory=list)


class OneExecutor(RuleBasedStateMachine):
    waits, copies, pause_ms = True, True, 6_000

    @initialize()
    def begin(self) -> None:
        self.now_ms = 1_000_000
        self.stored: StoredLease | None = None
        self.clients = [Client(Disk("j0")), Client(Disk("j1"))]
        self.names = self.numbers = 1
        self.connected: tuple[Client, LeaseHold, str] | None = None
        self.engine_fence = 0
        self.signals: list[Signal] = []
        self.executions: dict[int, int] = {}

    def _client(self, who: int) -> Client:
        return self.clients[who % len(self.clients)]

    @rule(ms=st.sampled_from([50, 400, 1_500, 4_100, 6_000]))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule(who=WHO)
    def start(self, who: int) -> None:
        client = self._client(who)
        if client.lease is None:
            client.lease, client.frozen, client.inbox = Lease(), False, []

    @rule(who=WHO)
    def kill(self, who: int) -> None:
        client = self._client(who)
        client.lease, client.inbox = None, []
        self._drop(client)

    @rule(who=WHO)
    def freeze_or_thaw(self, who: int) -> None:
        client = self._client(who)
        client.frozen = not client.frozen

    @rule(who=WHO)
    def copy_the_pc(self, who: int) -> None:
        if self.copies and len(self.clients) < MOST_CLIENTS:
            disk = self._client(who).disk
            self.clients.append(Client(replace(disk, executed=set(disk.executed))))

    @rule(who=WHO)
    def install_anew(self, who: int) -> None:
        self.kill(who)
        self.names += 1
        self._client(who).disk = Disk(f"j{self.names}")

    @rule()
    def bridge_restarts(self) -> None:
        self.connected = None

    @rule(who=WHO)
    def connect(self, who: int) -> None:
        client = self._client(who)
        if client.lease is None or client.frozen:
            return
        disk, self.numbers = client.disk, self.numbers + 1
        session = f"s{self.numbers}"
        claim = client.lease.fence == 0
        wish = LeaseWish("t", "a", disk.journal, disk.last_session, session, "", claim, self.now_ms)
        lease, answer = decide(self.stored, wish)
        if lease is None:
            client.lease = None  # it was told to stop
            self._drop(client)
            return
        self.stored = lease
        hold = LeaseHold()
        hold.taken(answer, self.now_ms)
        if not self.waits:
            hold.from_ms = self.now_ms
        self.connected = (client, hold, session)

    def _drop(self, client: Client) -> None:
        if self.connected is not None and self.connected[0] is client:
            self.connected = None

    @rule(who=WHO)
    def ask(self, who: int) -> None:
        client = self._client(who)
        if self.connected is None or self.connected[0] is not client or client.frozen or client.lease is None:
            return
        _, hold, session = self.connected
        fence = hold.granted(self.now_ms)
        client.inbox.append((fence, self.now_ms, session))
        hold.told = hold.told or bool(fence)

    @rule()
    def picture(self) -> None:
        hold = self.connected[1] if self.connected else None
        if hold is not None:
            self.engine_fence = hold.granted(self.now_ms) if hold.told else 0

    @rule()
    def issue(self) -> None:
        if self.engine_fence:
            made = Signal(len(self.signals) + 1, self.engine_fence, self.now_ms + MAX_LIFETIME_MS)
            self.signals.append(made)

    @rule(which=st.integers(0, 50))
    def hand_over(self, which: int) -> None:
        if self.connected is not None and self.connected[1].told and self.signals:
            self.connected[0].inbox.append(self.signals[-1 - which % len(self.signals)])

    @rule(who=WHO)
    def get_going(self, who: int) -> None:
        """The usual day, so that chance does not have to find it: connected, lent, and a signal executed."""
        client = self._client(who)
        client.frozen = False
        self.start(who)
        self.connect(who)
        self.now_ms += self.pause_ms
        for step in (self.ask, self.work):
            step(who)
        self.picture()
        self.issue()
        self.hand_over(0)

    @rule(who=WHO)
    def work(self, who: int) -> None:
        client = self._client(who)
        if client.frozen or client.lease is None:
            return
        while client.inbox:
            self._handle(client, client.lease, client.inbox.pop(0))

    def _handle(self, client: Client, lease: Lease, message: object) -> None:
        if isinstance(message, tuple):
            fence, asked_ms, session = message
            if fence:
                client.disk.last_session = session
            lease.renewed(fence, asked_ms * MS)
            return
        assert isinstance(message, Signal)
        known = message.id in client.disk.executed
        if known or lease.foreign(message) or lease.over(self.now_ms * MS) or self.now_ms >= message.expires_ms:  # type: ignore[arg-type]
            return
        client.disk.executed.add(message.id)
        self.executions[message.id] = self.executions.get(message.id, 0) + 1

    @invariant()
    def nothing_is_executed_twice(self) -> None:
        if hasattr(self, "executions"):
            assert all(count == 1 for count in self.executions.values()), self.executions


class WithoutWaiting(OneExecutor):
    """The numbers of leases alone must do, should a bridge not wait; only copies of a disk need the waiting."""

    waits, copies, pause_ms = False, False, 0


OneExecutor.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
WithoutWaiting.TestCase.settings = OneExecutor.TestCase.settings
TestO14OneExecutor = OneExecutor.TestCase
TestO14WithoutWaiting = WithoutWaiting.TestCase


def test_O14_a_copy_of_the_pc_does_not_execute_what_the_original_has_just_executed() -> None:
    world = OneExecutor()
    world.begin()
    world.get_going(0)
    world.copy_the_pc(0)
    world.work(0)
    assert world.executions == {1: 1}
    copy = len(world.clients) - 1
    for step in (world.start, world.connect, world.ask, world.work):
        step(copy)
    world.hand_over(0)
    world.time_passes(4_100)
    world.ask(copy)
    world.hand_over(0)
    world.work(copy)
    world.nothing_is_executed_twice()
    world.time_passes(1_500)
    world.ask(copy)
    world.hand_over(0)
    world.work(copy)
    world.nothing_is_executed_twice()
    assert world.clients[copy].lease is not None
    assert world.clients[copy].lease.fence == world.clients[0].lease.fence  # type: ignore[union-attr]

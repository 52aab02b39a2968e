"""The life of a service: open its parts in order, beat, close them in reverse, and die loudly."""

import asyncio
import contextlib
import gc
import os
import signal
import ssl
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, ProcessCollector

from contracts import subjects
from contracts.audit import AuditRecord, ErrorReport, Heartbeat
from contracts.codec import encode
from contracts.ports import ANYONE, LISTENERS
from contracts.revocations import Revocation
from kit import log, settings, tokens
from kit.bus import Bus, Joinable
from kit.clock import Clock, SystemClock
from kit.denials import DenialBook
from kit.edge import Accept, Edge
from kit.errors import KitError, SettingsError
from kit.faults import fingerprint
from kit.hardening import harden
from kit.health import HealthBook
from kit.nats_bus import NatsBus
from kit.revocations import OnRevoked, RevocationBook, follow
from kit.service_tokens import QuestionDenied, open_guard
from kit.tls import Kind, Reloading, TlsFiles, client_context, server_context

S = TypeVar("S", bound=settings.ServiceSettings)

HEARTBEAT_EVERY_S = 2.0
DENIALS_EVERY_S = 1.0
PLATFORM = "default"
"""The tenant whose trail holds what concerns no tenant: denials of strangers and of services."""
CLOSE_LIMIT_S = 8.0

_log = log.get("lifespan")


def version_of(distribution: str) -> str:
    """The installed version of a distribution; `0` when it is run from a bare source tree."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "0"


@dataclass(slots=True)
class Service:
    """What a composition root builds upon: the bus, the clock, health, metrics, and the tasks that run."""

    name: str
    settings: settings.ServiceSettings
    bus: Bus
    clock: Clock
    health: HealthBook
    metrics: CollectorRegistry
    closing: AsyncExitStack
    counters: dict[str, int] = field(default_factory=dict)
    """ name -> count, shown in heartbeats """
    accept: Accept | None = None
    """Set it before `start_edge` to take WebSockets."""
    max_frame_bytes: int = 64 * 1024
    tls: TlsFiles | None = None
    """Certificate and key; None only where a test handed in the bus and nothing else."""
    reloading: Reloading | None = None
    """Add contexts to its list: they follow the files."""
    started_ms: int = 0
    failed: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    revocations: RevocationBook = field(default_factory=RevocationBook)
    """What is no longer valid; complete before the service is handed to its composition root."""
    on_revoked: list[OnRevoked] = field(default_factory=list)
    """Called with each revocation that comes: close what is open."""
    denials: DenialBook = field(default_factory=DenialBook)
    """What was denied and is not yet in the audit trail."""
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    _beat_wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def beat_now(self) -> None:
        """Send the next heartbeat at once: what it tells has changed and others wait for it."""
        self._beat_wanted.set()

    async def until_beat(self, most_s: float) -> None:
        """Wait until the next heartbeat is due: `most_s`, or less when `beat_now` is called."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):  # `wait_for` of Python 3.11 may swallow the cancellation of a stop
                await self._beat_wanted.wait()
        self._beat_wanted.clear()

    def run_task(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` as long as the service lives. If it ends with an error the service dies loudly."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or self.failed.done():
            return
        if (error := task.exception()) is not None:
            self.failed.set_exception(error)

    async def cancel_tasks(self) -> None:
        """Stop everything `run_task` started."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def beat(self) -> Heartbeat:
        """The heartbeat of this moment."""
        return Heartbeat(
            self.name,
            self.settings.instance,
            self.clock.now_ms(),
            self.started_ms,
            version_of(self.name),
            self.health.ready(),
            self.settings.port,
            self.health.dependencies(),
            dict(self.counters),
        )

    async def report(self, error: BaseException) -> None:
        """Tell the hub of an unexpected error; the log already has it."""
        where, mark = fingerprint(error)
        report = ErrorReport(
            self.name,
            self.settings.instance,
            self.clock.now_ms(),
            type(error).__name__,
            str(log.redact(str(error))),
            where,
            mark,
            log.correlation.get(),
        )
        with contextlib.suppress(KitError):
            await self.bus.store(subjects.errors(self.name), encode(report))

    def note_denied(self, denied: QuestionDenied) -> None:
        """A question over the bus was not answered."""
        _log.warning("question_denied", denial=denied.code, who=denied.who, reason=denied.reason)
        self.denials.add(denied.event, denied.tenant, denied.who, denied.what, denied.code, self.clock.now_ms())

    async def write_denials(self, *, all_of_them: bool = False) -> None:
        """Move denials that are due into the audit trail; those that can't be written wait for the next time."""
        for denial in self.denials.due(self.clock.now_ms(), all_of_them=all_of_them):
            tenant = denial.tenant or PLATFORM
            identity = log.new_correlation_id()
            record = AuditRecord(
                identity, tenant, self.clock.now_ms(), self.name, denial.event, denial.who, denial.detail()
            )
            try:
                await self.bus.store(subjects.audit(tenant), encode(record), identity)
            except KitError as error:
                _log.warning("denial_not_written", count=denial.count, error=str(error))
                self.denials.restore(denial)


async def _beat(service: Service) -> None:
    subject = subjects.health(service.name, service.settings.instance)
    was_ready = False
    while True:
        beat = service.beat()
        if beat.ready and not was_ready:
            _log.info("ready", port=service.settings.port)
        was_ready = beat.ready
        # a bus that is away is normal here: the next beat tries again
        with contextlib.suppress(KitError):
            await service.bus.publish(subject, encode(beat))
        await service.until_beat(HEARTBEAT_EVERY_S if was_ready else 0.1)


async def _write_denials(service: Service) -> None:
    while True:
        await asyncio.sleep(DENIALS_EVERY_S)
        await service.write_denials()


async def _connected(
    name: str, config: settings.ServiceSettings, clock: Clock, closing: AsyncExitStack, tls: TlsFiles
) -> tuple[NatsBus, Reloading]:
    tls.check(clock.now_ms())
    context = client_context(tls)
    guard = open_guard(name, config.data_dir / "secrets", clock.now_ms)
    bus = await NatsBus.connect(config.nats_url, name, config.seed_of(name), context, guard=guard)
    closing.push_async_callback(bus.close)
    return bus, Reloading(tls, [context])


@asynccontextmanager
async def opened(
    name: str,
    config: settings.ServiceSettings,
    *,
    bus: Joinable | None = None,
    clock: Clock | None = None,
    tls: TlsFiles | None = None,
) -> AsyncIterator[Service]:
    """A service with its bus and health book; `create_app` adds the rest. Tests hand in a fake bus and clock, and
    `tls` when their edge is to speak it. CertificateRefused, one sentence, when our own certificate can't be used."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as closing:
        own: Bus
        reloading: Reloading | None
        if bus is None:
            tls = tls or TlsFiles(config.certificates_of(name))
            own, reloading = await _connected(name, config, clock, closing, tls)
        else:
            own = bus.join(name, clock.now_ms)
            reloading = Reloading(tls) if tls is not None else None
        metrics = CollectorRegistry()
        if sys.platform == "linux":
            ProcessCollector(registry=metrics)
        health = HealthBook(clock)
        health.register("bus", own.probe)
        service = Service(name, config, own, clock, health, metrics, closing, started_ms=clock.now_ms())
        service.tls, service.reloading = tls, reloading
        own.guard.on_denied = service.note_denied
        closing.push_async_callback(service.write_denials, all_of_them=True)
        closing.push_async_callback(service.cancel_tasks)
        service.run_task(_write_denials(service), "denials")
        await _follow_revocations(service)
        if reloading is not None:
            service.run_task(reloading.run(), "certificates")
        yield service


async def _follow_revocations(service: Service) -> None:
    book = service.revocations

    def tell(revocation: Revocation) -> None:
        for hear in service.on_revoked:
            hear(revocation)

    def is_revoked(claims: tokens.Claims, key: str) -> bool:
        issued_ms = claims.issued_ms
        found = book.refuses(issued_ms=issued_ms, tenant=claims.tenant, user=claims.sub, session=claims.sid, key=key)
        return found is not None

    # before anything is answered: what was revoked while this process did not run is known first
    following = await follow(service.bus, book, tell)
    service.closing.push_async_callback(following.stop)
    service.bus.guard.revoked = is_revoked
    service.bus.guard.states = book.states


def _edge_context(service: Service, *, strangers: bool) -> ssl.SSLContext | None:
    if service.tls is None or service.reloading is None:
        return None
    context = server_context(service.tls, client_certificates=True, optional=strangers)
    service.reloading.contexts.append(context)
    return context


async def start_edge(service: Service, *, http: bool = True) -> int:
    """Begin to probe, to beat, and (unless the service has its own HTTP server) to answer on its port.

    Call it last in `create_app`: whoever sees the port open may use the service. Returns the port, which the system
    chose when the settings say 0.
    """
    port = service.settings.port
    if http:
        listener = LISTENERS[service.name]
        admits = frozenset(Kind(who) for who in listener.who if who != ANYONE)
        edge = Edge(
            service.name,
            service.settings.host,
            service.settings.port,
            service.health,
            service.metrics,
            service.accept,
            service.max_frame_bytes,
            _edge_context(service, strangers=ANYONE in listener.who),
            admits,
            ANYONE in listener.who,
        )
        await edge.start()
        service.closing.push_async_callback(edge.stop)
        port = edge.port
    service.run_task(service.health.watch(), "health")
    service.run_task(_beat(service), "heartbeat")
    return port


CreateApp = Callable[[Service, Any], Coroutine[Any, Any, None]]


async def _live(name: str, config: settings.ServiceSettings, create_app: CreateApp) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no loop signal handlers
            loop.add_signal_handler(number, stop.set)
    async with opened(name, config) as service:
        errors = Counter("unexpected_errors", "Errors nobody expected", registry=service.metrics)
        try:
            await create_app(service, config)
            gc.freeze()  # what lives as long as the service is not walked again: such a walk holds up an order by 20 ms
            stopping = asyncio.create_task(stop.wait())
            waiting: set[asyncio.Future[Any]] = {stopping, service.failed}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if service.failed.done():
                service.failed.result()
        except Exception as error:
            errors.inc()
            _log.error("died", error=repr(error), exc_info=True)
            await service.report(error)
            raise
        _log.info("stopping")
    return 0


def run(name: str, kind: type[S], create_app: CreateApp) -> int:
    """Run a service until SIGTERM or SIGINT; the body of every `__main__`. Returns the exit code.

    0 stopped when asked; 1 died of an error; 2 settings are missing or wrong.
    """
    harden()
    try:
        config = settings.load(kind, os.environ, name)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 there is no log yet
        return 2
    log.configure(name, config.instance, config.log_level)
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(_live(name, config, create_app))
    except (KitError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 the operator reads this in the hub's output
        return 1
    except Exception:  # noqa: BLE001 already logged and reported; the exit code tells the hub
        if os.environ.get("AITRADING_TRACEBACK"):
            traceback.print_exc()
        return 1


__all__ = ["Service", "opened", "run", "start_edge", "version_of"]

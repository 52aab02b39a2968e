"""The composition root: who knows whom in the trading engine."""

import asyncio
import functools
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.revocations import Revocation
from kit import log
from kit.backoff import Backoff
from kit.errors import SettingsError
from kit.keys import read_private_key
from kit.lifespan import Service, start_edge
from kit.seals import CommandJudge
from trading_engine.adapters import prometheus
from trading_engine.adapters.carrier import Carrier
from trading_engine.adapters.files import AsideFile, PauseFile
from trading_engine.adapters.key_ring import KeyRing
from trading_engine.adapters.nats import BusStore, BusWire
from trading_engine.domain.engine import Engine
from trading_engine.domain.events import Restored, SignalDropped, StoreChanged, TenantsSuspended
from trading_engine.ports import NotAccepted, Unavailable
from trading_engine.routes import ASK_BACK_EVERY_S, Routes
from trading_engine.settings import Settings

PAUSED = "paused:"
"""Counters `paused:<tenant>` tell in heartbeats whether trading is paused: 1 or 0."""
_log = log.get("app")


def _signing_key(path: Path) -> Ed25519PrivateKey:
    try:
        return read_private_key(path)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the signing key {path} cannot be read ({error}). Start central-hub, which makes it, "
            f"or set AITRADING_TRADING_ENGINE_SIGNAL_KEY_PATH."
        ) from None


async def create_app(service: Service, settings: Settings) -> None:
    """Build everything and begin. Ticks are taken once the stores have told what they remember."""
    store, wire = BusStore(service.bus), BusWire(service.bus)
    engine = Engine(settings.bindings(), settings.limits(), settings.terms())
    key = _signing_key(settings.key_path())
    pauses = PauseFile(settings.own_dir() / "pauses.json")

    def tell(event: SignalDropped | StoreChanged) -> None:
        carrier.submit(engine.process(event))

    commits = prometheus.commit_seconds(service.metrics)
    carrier = Carrier(store, wire, pauses, KeyRing(settings.key_path(), key), service.clock, tell, commits.observe)
    aside = AsideFile(settings.own_dir() / "kept-aside.jsonl")
    judge = CommandJudge(service.bus.guard, revocations=service.revocations)
    routes = Routes(engine, carrier, service.clock, aside, judge, lambda: tell_pauses())
    service.metrics.register(
        prometheus.EngineCollector(
            engine.counts, lambda: routes.lag_ms, lambda: routes.malformed, lambda: carrier.dropped
        )
    )
    service.health.register("database-service", store.probe)
    recovered = asyncio.Event()

    async def recovery() -> str:
        if not recovered.is_set():
            raise Unavailable("orders and accounts have not been read back yet")
        return "orders and accounts were read back"

    service.health.register("recovery", recovery)

    async def recover() -> None:
        for delay in Backoff(0.05, 2.0).delays():
            try:
                orders, accounts = await store.orders(), await store.accounts()
                await routes.read_limits(store)
                signals = await store.outbox(service.clock.now_ms()) + await store.newest_signals()
                break
            except (Unavailable, NotAccepted) as error:
                _log.warning("not_recovered_yet", error=str(error))
                await asyncio.sleep(delay)
        event = Restored(service.clock.now_ms(), orders, signals, accounts, pauses.load())
        carrier.submit(engine.process(event))
        service.run_task(carrier.resend(), "outbox")
        for subscription in await routes.open(service.bus, service.started_ms):
            service.closing.push_async_callback(subscription.stop)
        second = functools.partial(asyncio.sleep, 1.0)
        service.run_task(routes.keep_time(second, count), "time")
        half_a_minute = functools.partial(asyncio.sleep, ASK_BACK_EVERY_S)
        service.run_task(routes.keep_limits(store), "limits")
        service.run_task(routes.keep_reading_back(store, half_a_minute), "read back")
        recovered.set()
        tell_pauses()
        _log.info(
            "recovered", orders=len(orders), outbox=len(signals), accounts=len(accounts), paused=list(event.paused)
        )

    def count() -> None:
        counts = engine.counts
        service.counters["ticks"] = counts.ticks
        service.counters["orders"] = sum(counts.orders.values()) - counts.orders.get("DENIED", 0)
        service.counters["refused"] = sum(counts.refused.values())
        service.counters["proposals_on_old_ticks"] = counts.proposals_on_old_ticks

    def tell_pauses() -> None:
        if not recovered.is_set():
            return  # who is paused has not been read yet
        pauses_now = engine.pauses()
        told = {name for name in service.counters if name.startswith(PAUSED)}
        said = dict.fromkeys(told, 0) | {PAUSED + tenant: int(is_so) for tenant, is_so in pauses_now.items()}
        if any(service.counters.get(name) != value for name, value in said.items()):
            service.counters.update(said)
            service.beat_now()

    def suspensions(_revocation: Revocation | None = None) -> None:
        engine.process(TenantsSuspended(service.clock.now_ms(), service.revocations.all_suspended()))

    suspensions()
    service.on_revoked.append(suspensions)
    count()
    service.run_task(carrier.run(), "carrier")
    service.run_task(recover(), "recovery")
    await start_edge(service)

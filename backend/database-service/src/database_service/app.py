"""The composition root: open both stores, learn what they hold, then answer and work through the streams."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TypeVar

from contracts.tenants import USAGE_ADD
from database_service import consumers, routes, trail
from database_service.adapters.clickhouse import Handle, migrate, sweep
from database_service.adapters.clickhouse_ticks import ClickHouseTicks
from database_service.adapters.postgres import Postgres
from database_service.adapters.postgres_ledger import PostgresLedger
from database_service.adapters.quarantine import QuarantineFolder
from database_service.domain.catalog import Catalog
from database_service.metrics import Metrics
from database_service.ports import Ledger, Quarantine, StoreUnavailable, TickStore
from database_service.settings import Settings
from database_service.tick_writer import TickWriter
from kit.clock import Clock
from kit.lifespan import Service, start_edge
from kit.usage import Meter, keep_telling

T = TypeVar("T")

MIGRATION_LIMIT_S = 600.0
TEND_SOON_S = 0.05
TEND_LATER_S = 1.0


async def open_ledger(settings: Settings, clock: Clock) -> PostgresLedger:
    """PostgreSQL, up to date: the owner migrates and leaves, the running service has a role that can't."""
    owner = await Postgres.open(
        settings.postgres_owner_dsn,
        pool_min=1,
        pool_max=1,
        timeout_s=MIGRATION_LIMIT_S,
        wait_s=settings.boot_wait_s,
    )
    try:
        await owner.migrate(clock.now_ms())
    finally:
        await owner.close()
    postgres = await Postgres.open(
        settings.postgres_dsn,
        pool_min=settings.postgres_pool_min,
        pool_max=settings.postgres_pool_max,
        timeout_s=settings.postgres_timeout_s,
        wait_s=settings.boot_wait_s,
    )
    return PostgresLedger(postgres)


async def open_ticks(settings: Settings, clock: Clock) -> ClickHouseTicks:
    """ClickHouse, up to date."""
    scratch = Path(settings.data_dir) / "scratch" / "database-service"
    sweep(scratch)
    limits = {"max_memory_usage": settings.clickhouse_memory_mb * 1024 * 1024}
    questions = limits | {"max_execution_time": settings.clickhouse_timeout_s}
    writer = await Handle.open("writer", settings.clickhouse_dsn, limits, scratch)
    reader = await Handle.open("reader", settings.clickhouse_dsn, questions, scratch)
    await migrate(writer, clock.now_ms())
    return ClickHouseTicks(writer, reader)


async def _given(store: T) -> T:
    return store


async def tend(store: TickStore) -> None:
    """Keep the store's shortcuts up to date, in bites that hold up nobody."""
    while True:
        try:
            more = await store.tend()
        except StoreUnavailable:
            more = False  # its probe tells; questions are answered from the ticks themselves until then
        await asyncio.sleep(TEND_SOON_S if more else TEND_LATER_S)


async def create_app(
    service: Service,
    settings: Settings,
    *,
    ticks: TickStore | None = None,
    ledger: Ledger | None = None,
    quarantine: Quarantine | None = None,
) -> None:
    """Build the service. Tests hand in stores of their own."""
    # both stores take a second to open: at the same time
    tick_store, book = await asyncio.gather(
        _given(ticks) if ticks else open_ticks(settings, service.clock),
        _given(ledger) if ledger else open_ledger(settings, service.clock),
    )
    service.closing.push_async_callback(tick_store.close)
    service.closing.push_async_callback(book.close)
    service.health.register("clickhouse", tick_store.probe)
    service.health.register("postgres", book.probe)
    aside = quarantine or QuarantineFolder(
        Path(settings.data_dir) / "quarantine" / "database-service", settings.quarantine_mb * 1024 * 1024, service.clock
    )

    catalog = Catalog()
    for state in await tick_store.load():
        catalog.found(state.key, state.seq, state.newest)
    metrics = Metrics(service.metrics, service.counters)
    meter = Meter(f"database-service {service.started_ms}")
    writer = TickWriter(
        tick_store,
        catalog,
        service.bus,
        service.clock,
        metrics,
        group_ticks=settings.group_ticks,
        insert_every_s=settings.insert_every_ms / 1_000,
        queue_bytes=settings.queue_mb * 1024 * 1024,
        many_batches=max(1, settings.tick_deliveries // 2),
        meter=meter,
    )
    service.closing.push_async_callback(writer.stop)
    service.run_task(writer.run(), "tick writer")
    service.run_task(keep_telling(meter, partial(book.people.answer, USAGE_ADD)), "usage")
    service.run_task(tend(tick_store), "tend")

    await routes.start(routes.Routes(tick_store, book, catalog, writer), service.bus)
    await trail.start(trail.TrailRoutes(book, service.clock), service.bus)
    intake = consumers.Consumers(service.bus, writer, book, catalog, aside, metrics)
    await consumers.start(intake, service.bus, settings.tick_deliveries)
    await start_edge(service)

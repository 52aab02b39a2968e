"""The composition root of the bridge: the only file that knows everyone."""

import asyncio
import secrets
from collections import Counter

from contracts.revocations import Revocation, RevocationKind
from contracts.tenants import Measure
from contracts.terminals import Joined
from contracts.uplink import MAX_FRAME_BYTES
from data_bridge.adapters.connection import Connection, Surroundings
from data_bridge.adapters.errand_talk import Errands
from data_bridge.adapters.join_talk import Talks
from data_bridge.adapters.key_list_file import KeyListFile
from data_bridge.adapters.prometheus import BridgeCollector
from data_bridge.adapters.roster import BusStore, Roster
from data_bridge.adapters.shelf import FileShelf
from data_bridge.adapters.trail import BusTrail
from data_bridge.domain.counts import Counts
from data_bridge.domain.greeting import Identity
from data_bridge.routes import MAX_LIFE_S, Door
from data_bridge.settings import Settings
from kit.errors import SettingsError
from kit.keys import read_public
from kit.lifespan import Service, start_edge
from kit.token_keys import TokenKeys
from kit.usage import Meter, by_bus, keep_telling

TICK_EVERY_S = 0.25
FLUSH_WITHIN_S = 4.0
AUDIT_WITHIN_S = 1.5


async def create_app(service: Service, settings: Settings) -> None:
    """Build the bridge on the service's bus, clock and edge."""
    try:
        read_public(settings.token_public_key.read_text())
        token_keys = TokenKeys(settings.token_public_key, MAX_LIFE_S * 1_000, service.clock.now_ms)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"data-bridge cannot read the public key for terminal tokens at {settings.token_public_key}: {error}. "
            "The hub makes it at its first start; start the hub first, or correct AITRADING_TOKEN_PUBLIC_KEY."
        ) from None
    counts = Counts()
    service.metrics.register(BridgeCollector(counts))
    roster = Roster(counts)
    trail = BusTrail(service.name, service.bus, service.clock, counts)
    shelf = FileShelf(settings.refused_dir, settings.kept_aside, service.clock)
    keys = KeyListFile(settings.key_list)
    store = BusStore(service.bus)
    around = Surroundings(service.bus, store, service.clock, counts, roster, trail, shelf, settings, keys)
    connections: set[Connection] = set()

    def open_terminal(who: Identity) -> Connection:
        connection = Connection(who, secrets.token_hex(8), around)
        connections.add(connection)
        return connection

    def renewed(joined: Joined) -> None:
        for connection in connections:
            if connection.who.terminal == joined.terminal:
                connection.session.renewed(joined.expires_ms)

    errands = Errands(service.bus, service.clock, counts, trail, shelf)

    def revoked(revocation: Revocation) -> None:
        if not revocation.lifts and revocation.kind is RevocationKind.TERMINAL:
            errands.dismiss(terminal=revocation.subject)
        elif not revocation.lifts and revocation.kind is RevocationKind.TENANT:
            errands.dismiss(tenant=revocation.subject)
        for connection in list(connections):
            who = connection.who
            named = {RevocationKind.TERMINAL: who.terminal, RevocationKind.TENANT: who.tenant}
            if named.get(revocation.kind) != revocation.subject or revocation.lifts:
                continue
            if revocation.holds:
                connection.session.suspended()
            else:
                connection.session.revoked(revocation.reason)

    book = service.revocations
    service.on_revoked.append(revoked)
    talks = Talks(service.bus, counts, trail, settings.operator_tenant, renewed, service.clock)
    door = Door(
        token_keys,
        service.clock,
        counts,
        trail,
        book,
        settings.operator_tenant,
        open_terminal,
        talks.begin,
        errands.begin,
    )

    meter = Meter(f"data-bridge {service.started_ms}")

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_EVERY_S)
            for connection in [c for c in connections if c.gone.is_set()]:
                connections.discard(connection)
            changed = keys.look()
            for connection in list(connections):
                if changed:
                    connection.rekeyed()
                connection.tick()
            trail.tick()
            open_now = Counter(c.who.tenant for c in connections if not c.gone.is_set())
            for tenant, number in open_now.items():
                meter.peak(tenant, Measure.TERMINALS, number, service.clock.now_ms())
            service.counters.update(
                ticks_received=counts.ticks,
                frames_refused=sum(counts.refused.values()),
                terminals=counts.terminals,
            )

    async def shut() -> None:
        door.closing = True
        await asyncio.gather(*(c.shut(FLUSH_WITHIN_S) for c in connections if not c.gone.is_set()))
        await trail.finish(AUDIT_WITHIN_S)

    subscription = await service.bus.subscribe("stored.>", roster.on_stored)
    service.closing.push_async_callback(subscription.stop)
    service.closing.push_async_callback(shut)
    service.run_task(trail.work(), "audit")
    service.run_task(tick(), "tick")
    service.run_task(keep_telling(meter, by_bus(service.bus)), "usage")
    service.accept = door.accept
    service.max_frame_bytes = MAX_FRAME_BYTES
    await start_edge(service)

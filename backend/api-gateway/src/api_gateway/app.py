"""The composition root: builds every part of the gateway and starts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from api_gateway.adapters.api_keys import ApiKeyDesk
from api_gateway.adapters.argon2_hasher import Argon2Hasher
from api_gateway.adapters.bus_feed import BusFeed
from api_gateway.adapters.bus_people import BusPeople, BusRevoker
from api_gateway.adapters.bus_platform import BusHub, BusJournal, BusStore
from api_gateway.adapters.dist_pages import DistPages
from api_gateway.adapters.edge_tls import EdgeTls
from api_gateway.adapters.http_connection import PATIENCE_S
from api_gateway.adapters.passkeys import WebAuthn
from api_gateway.adapters.qr import qr_svg
from api_gateway.adapters.setup_code import SetupCodeFile
from api_gateway.adapters.token_office import TokenOffice
from api_gateway.adapters.uvicorn_server import HttpServer
from api_gateway.adapters.vault import Vault, read_people_key
from api_gateway.domain.pace import Pace
from api_gateway.domain.quotas import Quotas
from api_gateway.ports import Hasher, Store
from api_gateway.routes.application import application
from api_gateway.routes.docs import docs_routes
from api_gateway.routes.door import Door
from api_gateway.routes.exports import export_routes
from api_gateway.routes.factors import Proofs
from api_gateway.routes.fanout import HEARTBEAT_S, Fanout
from api_gateway.routes.guard import Guard
from api_gateway.routes.market import Market, market_routes
from api_gateway.routes.me import me_routes, own_session_routes
from api_gateway.routes.measures import Measures
from api_gateway.routes.news import news_routes
from api_gateway.routes.operations import health_routes, operations_routes
from api_gateway.routes.people import Desk as People
from api_gateway.routes.problems import Report
from api_gateway.routes.programs import api_key_routes, program_routes
from api_gateway.routes.risk_limits import LimitDesk, limit_routes
from api_gateway.routes.second_factor import second_factor_routes
from api_gateway.routes.session import SignIns, session_routes
from api_gateway.routes.stream import Tickets, stream_route, ticket_route
from api_gateway.routes.trading import Desk, trading_routes
from api_gateway.routes.trail import trail_routes
from api_gateway.routes.usage import PlanReader, usage_routes
from api_gateway.routes.users import user_routes
from api_gateway.settings import Settings
from contracts.audit import Health
from contracts.revocations import Revocation
from contracts.tenants import Measure
from kit import log
from kit.clock import Clock
from kit.credentials import BreachedFile
from kit.errors import SettingsError
from kit.lifespan import Service, start_edge, version_of
from kit.listening import Wire, origins
from kit.revocations import RevocationBook
from kit.tls import TlsFiles
from kit.usage import Meter, by_bus, keep_telling, tell

NAME = "api-gateway"
MAX_REPORTS = 16
PAGES_EVERY_S = 2.0
FAILURES_EVERY_S = 10.0
KEYS_EVERY_S = 1.0

_log = log.get("gateway")


@dataclass(slots=True)
class Gateway:
    """What was built; tests look inside."""

    port: int
    api: Litestar
    fanout: Fanout
    guard: Guard
    people: People
    revocations: RevocationBook
    quotas: Quotas
    meter: Meter


async def create_app(service: Service, settings: Settings) -> None:
    """Build the gateway and open its port."""
    await build(service, settings)


def _token_office(settings: Settings, clock: Clock, book: RevocationBook) -> TokenOffice:
    file = settings.token_key_file()
    try:
        return TokenOffice(file, clock, book)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the token key {file} cannot be read ({error}). The hub makes it at its first start: "
            "start the platform with the hub, or set AITRADING_API_GATEWAY_TOKEN_KEY."
        ) from None


def _vault(settings: Settings) -> Vault:
    file = settings.people_key_file()
    try:
        return Vault(read_people_key(file))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the people key {file} cannot be read ({error}). The hub makes it at its first start: "
            "start the platform with the hub, or set AITRADING_API_GATEWAY_PEOPLE_KEY."
        ) from None


def _breached(settings: Settings) -> BreachedFile | None:
    if settings.breached_passwords == Path():
        return None
    if not settings.breached_passwords.is_file():
        raise SettingsError(
            f"there is no file {settings.breached_passwords}: correct AITRADING_API_GATEWAY_BREACHED_PASSWORDS."
        )
    return BreachedFile(settings.breached_passwords)


def _reporter(service: Service) -> Report:
    """Tells the hub of errors in the background, a few at a time."""
    running: set[asyncio.Task[None]] = set()

    def report(error: BaseException) -> None:
        if len(running) < MAX_REPORTS:
            task = asyncio.create_task(service.report(error))
            running.add(task)
            task.add_done_callback(running.discard)

    return report


async def build(
    service: Service,
    settings: Settings,
    *,
    hasher: Hasher | None = None,
    patience_s: float = PATIENCE_S,
    extra: Sequence[ControllerRouterHandler] = (),
) -> Gateway:
    """The same, with what tests exchange: a cheap hasher, a short patience and more routes."""
    bus, clock = service.bus, service.clock
    store, journal = BusStore(bus, clock), BusJournal(bus, clock, NAME)
    book = service.revocations
    tokens, vault = _token_office(settings, clock, book), _vault(settings)
    measures = Measures(service.metrics, service.counters)
    fanout = Fanout(clock, tokens.revoked)
    directory = BusPeople(bus)
    keys = ApiKeyDesk(directory, vault, clock, tokens.mint_for_key, tokens.revoked)

    def on_revoked(revocation: Revocation) -> None:
        keys.revoked(revocation)
        fanout.dismiss_revoked()

    service.on_revoked.append(on_revoked)
    revoker = BusRevoker(bus, book, on_revoked)
    pages = DistPages(settings.web_folder())
    wire = settings.wire()
    own = TlsFiles(settings.certificates_of(NAME))
    tls = (
        EdgeTls(own, settings.tls_cert, settings.tls_key, programs=settings.program_certificates)
        if wire is Wire.HTTPS
        else None
    )
    https = tls is not None or settings.public_url.startswith("https://")
    if settings.published_on_loopback and tls is None:
        _log.warning("plain_http_in_a_container", host=settings.host)
    report = _reporter(service)
    people = People(
        store,
        directory,
        hasher or Argon2Hasher(),
        tokens,
        vault,
        WebAuthn(),
        revoker,
        clock,
        https,
        _breached(settings),
        book.suspended,
    )
    guard = Guard(journal, clock, measures)
    proofs = Proofs(people, guard)
    sign_ins = SignIns(people, guard, proofs, journal, SetupCodeFile(settings.setup_code_file()))
    tickets = Tickets(clock)
    market = Market(store, fanout, clock)
    quotas, meter = Quotas(), Meter(f"{NAME} {service.started_ms}")
    api = application(
        [
            *health_routes(NAME, service.health, service.metrics),
            *docs_routes(),
            *session_routes(sign_ins),
            *second_factor_routes(sign_ins),
            *program_routes(sign_ins),
            *api_key_routes(people),
            *own_session_routes(people),
            *me_routes(people, proofs, qr_svg),
            *user_routes(people),
            *market_routes(market),
            *trading_routes(market, Desk(market, journal, quotas=quotas)),
            *limit_routes(LimitDesk(market, directory, journal)),
            *news_routes(directory, clock),
            *usage_routes(directory, quotas, clock),
            *export_routes(market),
            *trail_routes(store, clock),
            *operations_routes(BusHub(bus), fanout, clock, measures),
            ticket_route(tickets),
            stream_route(fanout, clock, measures, report, tickets, quotas),
            *extra,
        ],
        report,
        version_of(NAME),
        https,
    )
    public_origins = frozenset({settings.public_url.rstrip("/")} - {""})
    door = Door(
        api,
        pages,
        tokens,
        clock,
        measures,
        report,
        public_origins,
        https,
        keys,
        states=book.states,
        quotas=quotas,
        count=lambda tenant, now_ms: meter.count(tenant, Measure.REQUESTS, 1, now_ms),
        trusted=settings.trusted_networks(),
        pace=Pace(settings.reads_per_minute, settings.changes_per_minute),
        denials=service.denials,
    )
    server = HttpServer(door, patience_s, https=https, context=tls.context if tls else None)

    service.health.register("database-service", store.probe)
    feed = BusFeed(bus, fanout, service.counters)
    await feed.start()
    await asyncio.to_thread(pages.refresh)
    service.run_task(_know_accounts(feed, store, fanout), "accounts")
    service.run_task(_tick(fanout, service), "fan-out")
    service.run_task(_refresh(pages), "pages")
    service.run_task(_write_failures(guard), "failures")
    service.run_task(PlanReader(directory, quotas, clock).keep(), "plans")
    service.run_task(keep_telling(meter, by_bus(bus)), "usage")
    service.closing.push_async_callback(tell, meter, by_bus(bus))
    service.run_task(_keep_keys(tokens, revoker), "keys")

    port = server.listen(NAME, settings.host, settings.port)
    if tls is not None:
        door.public_origins |= origins(tls.names(), port)
        for reloading in tls.reloading:
            service.run_task(reloading.run(), "certificates")
    service.closing.push_async_callback(guard.write_failures, all_of_them=True)
    service.closing.push_async_callback(server.stop)
    service.run_task(server.serve(), "http")
    await start_edge(service, http=False)
    return Gateway(port, api, fanout, guard, people, book, quotas, meter)


async def _know_accounts(feed: BusFeed, store: Store, fanout: Fanout) -> None:
    await feed.load_accounts(store)
    fanout.accounts_known = True


async def _tick(fanout: Fanout, service: Service) -> None:
    while True:
        known = service.health.last.get("bus")
        fanout.tick(known is not None and known.health is Health.OK)
        await asyncio.sleep(HEARTBEAT_S)


async def _refresh(pages: DistPages) -> None:
    while True:
        await asyncio.sleep(PAGES_EVERY_S)
        await asyncio.to_thread(pages.refresh)


async def _write_failures(guard: Guard) -> None:
    while True:
        await asyncio.sleep(FAILURES_EVERY_S)
        await guard.write_failures()


async def _keep_keys(tokens: TokenOffice, revoker: BusRevoker) -> None:
    while True:
        await asyncio.sleep(KEYS_EVERY_S)
        if tokens.look_for_new_key():
            _log.info("token_key_changed", key=tokens.key_id)
        await revoker.tell_waiting()

"""The composition root: builds every part of the gateway and starts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from api_gateway.adapters.argon2_hasher import Argon2Hasher
from api_gateway.adapters.bus_feed import BusFeed
from api_gateway.adapters.bus_platform import BusHub, BusJournal, BusStore
from api_gateway.adapters.dist_pages import DistPages
from api_gateway.adapters.edge_tls import EdgeTls
from api_gateway.adapters.http_connection import PATIENCE_S
from api_gateway.adapters.setup_code import SetupCodeFile
from api_gateway.adapters.token_office import TokenOffice
from api_gateway.adapters.uvicorn_server import HttpServer
from api_gateway.domain.pace import Pace
from api_gateway.ports import Hasher, Store
from api_gateway.routes.application import application
from api_gateway.routes.docs import docs_routes
from api_gateway.routes.door import Door
from api_gateway.routes.exports import export_routes
from api_gateway.routes.fanout import HEARTBEAT_S, Fanout
from api_gateway.routes.market import Market, market_routes
from api_gateway.routes.measures import Measures
from api_gateway.routes.operations import health_routes, operations_routes
from api_gateway.routes.problems import Report
from api_gateway.routes.session import Sessions, session_routes
from api_gateway.routes.stream import stream_route
from api_gateway.routes.trading import Desk, trading_routes
from api_gateway.settings import Settings
from contracts.audit import Health
from kit import log
from kit.errors import SettingsError
from kit.keys import read_private_key
from kit.lifespan import Service, start_edge, version_of
from kit.listening import Wire, origins
from kit.tls import TlsFiles

NAME = "api-gateway"
MAX_REPORTS = 16
PAGES_EVERY_S = 2.0
FAILURES_EVERY_S = 10.0

_log = log.get("gateway")


@dataclass(slots=True)
class Gateway:
    """What was built; tests look inside."""

    port: int
    api: Litestar
    fanout: Fanout
    sessions: Sessions


async def create_app(service: Service, settings: Settings) -> None:
    """Build the gateway and open its port."""
    await build(service, settings)


def _token_office(settings: Settings) -> TokenOffice:
    file = settings.token_key_file()
    try:
        return TokenOffice(read_private_key(file))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the token key {file} cannot be read ({error}). The hub makes it at its first start: "
            "start the platform with the hub, or set AITRADING_API_GATEWAY_TOKEN_KEY."
        ) from None


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
    tokens = _token_office(settings)
    measures = Measures(service.metrics, service.counters)
    fanout = Fanout(clock, tokens.ended)
    pages = DistPages(settings.web_folder())
    wire = settings.wire()
    own = TlsFiles(settings.certificates_of(NAME))
    tls = EdgeTls(own, settings.tls_cert, settings.tls_key) if wire is Wire.HTTPS else None
    https = tls is not None or settings.public_url.startswith("https://")
    if settings.published_on_loopback and tls is None:
        _log.warning("plain_http_in_a_container", host=settings.host)
    report = _reporter(service)
    sessions = Sessions(
        store,
        journal,
        hasher or Argon2Hasher(),
        tokens,
        SetupCodeFile(settings.setup_code_file()),
        clock,
        measures,
        https,
    )
    market = Market(store, fanout, clock)
    api = application(
        [
            *health_routes(NAME, service.health, service.metrics),
            *docs_routes(),
            *session_routes(sessions),
            *market_routes(market),
            *trading_routes(market, Desk(market, journal)),
            *export_routes(market),
            *operations_routes(BusHub(bus), fanout, clock, measures),
            stream_route(fanout, clock, measures, report),
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
        trusted=settings.trusted_networks(),
        pace=Pace(settings.reads_per_minute),
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
    service.run_task(_write_failures(sessions), "failures")

    port = server.listen(NAME, settings.host, settings.port)
    if tls is not None:
        door.public_origins |= origins(tls.names(), port)
        for reloading in tls.reloading:
            service.run_task(reloading.run(), "certificates")
    service.closing.push_async_callback(sessions.write_failures, all_of_them=True)
    service.closing.push_async_callback(server.stop)
    service.run_task(server.serve(), "http")
    await start_edge(service, http=False)
    return Gateway(port, api, fanout, sessions)


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


async def _write_failures(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(FAILURES_EVERY_S)
        await sessions.write_failures()

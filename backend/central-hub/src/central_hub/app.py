"""The composition root of the hub's service part: registry, errors, and the list of services."""

import asyncio
from collections.abc import Awaitable, Callable

import picows
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central_hub.adapters.client_config_files import ClientConfigFiles
from central_hub.adapters.terminal_book import book_in
from central_hub.adapters.witness import Witness, signing_key
from central_hub.domain.errorbook import ErrorBook
from central_hub.domain.registry import Registry
from central_hub.notary import Notary
from central_hub.ports import Fleet, HubError
from central_hub.routes import Routes
from central_hub.settings import Settings
from central_hub.tenant_watch import TenantWatch
from central_hub.terminal_desk import Sign, TerminalDesk
from contracts import rpc
from contracts.client_config import ConfigFound, ConfigQuestion
from kit.edge import Peer, answer
from kit.errors import AnswerFault
from kit.keys import read_private_key
from kit.lifespan import Service, start_edge


async def create_app(service: Service, settings: Settings, fleet: Fleet, sign: Sign | None = None) -> Routes:
    """Listen to the platform and answer about it. `fleet` is what `aitrading up` started, `sign` its authority's
    signature under a terminal's certificate; without it no terminal can join."""
    routes = Routes(Registry(), ErrorBook(), fleet, service.clock, service.counters)
    await service.bus.subscribe("health.>", routes.on_heartbeat)
    # a fresh name reads all that the stream still keeps: the book in memory is whole again after a restart
    name = f"hub-errors-{service.started_ms}"
    await service.bus.consume("ERRORS", name, "errors.>", routes.on_errors, forget_after_s=60)
    await service.bus.answer(rpc.SERVICES, routes.services)
    await service.bus.answer(rpc.TERMINAL_CONFIG, _configurer(settings))
    if sign is not None:
        await _admit_terminals(service, settings, sign)

    def accept(request: picows.WSUpgradeRequest, _peer: Peer) -> picows.WSUpgradeResponseWithListener | None:
        if request.path.split(b"?", 1)[0] == b"/services":
            return answer(200, routes.overview(), "application/json")
        return None

    notary = Notary(
        service,
        signing_key(settings.data_dir / "secrets"),
        Witness(settings.witness),
        int(settings.seal_every_s * 1000),
        settings.seal_records,
    )
    service.health.register("audit trail", notary.probe)
    service.run_task(notary.run(), "notary")
    service.run_task(TenantWatch(service.bus, service.clock, service.revocations).keep(), "tenants")
    service.accept = accept
    await start_edge(service)
    return routes


def _configurer(settings: Settings) -> Callable[[ConfigQuestion], Awaitable[ConfigFound]]:
    files = ClientConfigFiles(settings.data_dir)

    async def answer_config(question: ConfigQuestion) -> ConfigFound:
        try:
            return await asyncio.to_thread(files.newer, question)
        except HubError as error:
            raise AnswerFault("unavailable", str(error)) from None

    return answer_config


async def _admit_terminals(service: Service, settings: Settings, sign: Sign) -> None:
    secrets = settings.data_dir / "secrets"

    def pinset() -> bytes:
        file = secrets / "ca" / "pins.json"
        return file.read_bytes() if file.exists() else b""

    def key() -> Ed25519PrivateKey:
        return read_private_key(secrets / "token.key")

    key()  # whoever can't read it can't admit anybody: that shows now
    book = book_in(settings.data_dir)
    desk = TerminalDesk(book, sign, key, pinset, service.bus, service.clock, service.revocations)
    await service.bus.answer(rpc.TERMINAL_JOIN, desk.join)
    await service.bus.answer(rpc.TERMINAL_RENEW, desk.renew)
    await desk.tell_revoked()

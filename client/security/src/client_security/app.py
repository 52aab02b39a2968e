"""The composition root of the security app."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from client_security.adapters.audit_log import verify
from client_security.adapters.errand_line import open_line
from client_security.adapters.neighbour import Neighbour
from client_security.adapters.papers import Papers
from client_security.adapters.private_file import write_private
from client_security.courier import Courier, KeepOffer, Line, OpenLine, Outbox
from client_security.lifespan import App
from client_security.membership import Membership
from client_security.routes import Watch
from client_security.settings import Settings
from client_security.vaults import VAULT_DIR, vault_in
from contracts.client_config import SignedConfig
from contracts.codec import decode, encode
from contracts.errands import CONFIG_INBOX, OUTBOX_PAGE, OutboxPage
from contracts.errors import ContractError
from kit.clock import Clock

AUDIT_FILE = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class AuditFile:
    """Implements ports.Audit: the log, and the head that the vault keeps of it."""

    path: Path
    papers: Papers

    def count(self) -> int:
        """The head first: the log may grow meanwhile, never shrink."""
        head = self.papers.audit_head() if self.papers.vault.exists() else None
        return verify(self.path, head)


def _outbox(settings: Settings) -> Outbox:
    collector = Neighbour(settings.data_dir, "data-collector", settings.collector_port, "security")

    async def outbox(stored: int, refused: int) -> OutboxPage:
        path = f"{OUTBOX_PAGE}?stored={stored}&refused={refused}"
        try:
            return decode(await asyncio.to_thread(collector.get, path), OutboxPage)
        except ContractError as error:
            raise OSError(f"the data collector is of another version: {error}") from None

    return outbox


def _line(papers: Papers, settings: Settings, clock: Clock) -> OpenLine:
    @asynccontextmanager
    async def line() -> AsyncIterator[Line]:
        # made anew each time: the enrolment may have been replaced since
        membership = await asyncio.to_thread(Membership, papers, settings.data_dir / VAULT_DIR, clock)
        async with open_line(membership) as opened:
            yield opened

    return line


def _inbox(settings: Settings) -> KeepOffer:
    async def keep(offer: SignedConfig) -> None:
        await asyncio.to_thread(write_private, settings.data_dir / CONFIG_INBOX, encode(offer))

    return keep


async def create_app(app: App, settings: Settings) -> None:
    """Watch the vault and the audit log in the client's data directory."""
    papers = Papers(vault_in(settings.data_dir, key=app.vault_key))
    watch = Watch(papers, AuditFile(settings.data_dir / AUDIT_FILE, papers), settings.verify_every_s)
    app.health.register("vault", watch.vault)
    app.health.register("audit_log", watch.log)
    app.run_task(watch.keep_verifying(), "verify")
    courier = Courier(_outbox(settings), _line(papers, settings, app.clock), _inbox(settings), settings.look_every_s)
    app.health.register("courier", courier.probe)
    app.run_task(courier.run(), "courier")
    await app.start_edge()

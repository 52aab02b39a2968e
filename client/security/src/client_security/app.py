"""The composition root of the security app."""

from dataclasses import dataclass
from pathlib import Path

from client_security.adapters.audit_log import verify
from client_security.adapters.papers import Papers
from client_security.lifespan import App
from client_security.routes import Watch
from client_security.settings import Settings
from client_security.vaults import vault_in

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


async def create_app(app: App, settings: Settings) -> None:
    """Watch the vault and the audit log in the client's data directory."""
    papers = Papers(vault_in(settings.data_dir, key=app.vault_key))
    watch = Watch(papers, AuditFile(settings.data_dir / AUDIT_FILE, papers), settings.verify_every_s)
    app.health.register("vault", watch.vault)
    app.health.register("audit_log", watch.log)
    app.run_task(watch.keep_verifying(), "verify")
    await app.start_edge()

"""The composition root of the security app."""

from dataclasses import dataclass
from pathlib import Path

from client_security.adapters.audit_log import verify
from client_security.adapters.vault_file import Vault
from client_security.lifespan import App
from client_security.routes import Watch
from client_security.settings import Settings

AUDIT_FILE = "audit.jsonl"
VAULT_DIR = "secrets"


@dataclass(frozen=True, slots=True)
class _AuditFile:
    path: Path

    def count(self) -> int:
        return verify(self.path)


async def create_app(app: App, settings: Settings) -> None:
    """Watch the vault and the audit log in the client's data directory."""
    watch = Watch(
        Vault(settings.data_dir / VAULT_DIR), _AuditFile(settings.data_dir / AUDIT_FILE), settings.verify_every_s
    )
    app.health.register("vault", watch.vault)
    app.health.register("audit_log", watch.log)
    app.run_task(watch.keep_verifying(), "verify")
    await app.start_edge()

"""Keep the audit log's newest hash in the vault, so that a cut-off end is noticed."""

import asyncio

from client_security.adapters.audit_log import AuditLog
from client_security.adapters.papers import Papers
from client_security.domain.chain import Record
from client_security.domain.vault_format import VaultRefused
from kit import log

EVERY_S = 5.0
"""Not at every record: an order must not wait for the vault's two more fsyncs."""
_log = log.get("notary")


class Notary:
    """Run `run()` as a task, and call `note` once more at the end."""

    def __init__(self, audit: AuditLog, papers: Papers) -> None:
        self._audit, self._papers = audit, papers
        self._noted: Record | None = None

    def note(self) -> None:
        """Note the newest record, if it is new. Blocks for some milliseconds."""
        last = self._audit.last
        if last is None or last is self._noted:
            return
        try:
            self._papers.keep_audit_head(last)
            self._noted = last
        except (VaultRefused, OSError) as error:
            _log.error("audit_head_not_noted", reason=str(error))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await asyncio.to_thread(self.note)

"""Health of the secrets and of the audit log: each is really read and checked."""

import asyncio
from dataclasses import dataclass

from client_security.ports import Audit, Secrets


@dataclass(slots=True)
class Watch:
    """The two probes. The audit log is verified every `verify_every_s`, in a thread, not at every probe."""

    secrets: Secrets
    audit: Audit
    verify_every_s: float
    verified: str = ""
    broken: str = "the audit log was not verified yet"

    async def vault(self) -> str:
        """Open the vault and check its seal."""
        found = await asyncio.to_thread(self.secrets.enrolment)
        return f"account {found.account}, {len(found.signal_keys)} pinned key(s)"

    async def log(self) -> str:
        """What the last verification found."""
        if self.broken:
            raise RuntimeError(self.broken)
        return self.verified

    async def keep_verifying(self) -> None:
        """Verify again and again until cancelled."""
        while True:
            try:
                count = await asyncio.to_thread(self.audit.count)
                self.verified, self.broken = f"{count} record(s), every hash fits", ""
            except Exception as error:  # noqa: BLE001 whatever is wrong with the log is what the probe must say
                self.broken = str(error)
            await asyncio.sleep(self.verify_every_s)

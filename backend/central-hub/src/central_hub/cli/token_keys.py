"""`aitrading keys rotate token`: a new key signs people's tokens; those of the old one are good until they end."""

import argparse
import time

from central_hub.adapters.datadir import DataDir
from central_hub.ports import HubError

TERMINAL_LIFE_MS = 31 * 86_400_000
"""The longest life of anything that this key ever signed."""


def run(options: argparse.Namespace) -> int:
    """Change the files; whoever runs follows within two seconds. With `--revoke` the old key's tokens end at once."""
    data = DataDir(options.data)
    from kit.token_keys import rotate

    now_ms = time.time_ns() // 1_000_000
    try:
        old, new = rotate(data.secrets, now_ms, TERMINAL_LIFE_MS)
    except (OSError, ValueError) as error:
        raise HubError(
            f"The keys in {data.secrets} can't be changed ({error}): start the platform once with `aitrading up`, "
            "as the same user."
        ) from None
    _tell(data, old, new, now_ms, revoke_old=options.revoke)
    print(f"{new} signs tokens now; {'nothing of' if options.revoke else 'what'} {old} {_rest(options.revoke)}")
    return 0


def _rest(revoked: bool) -> str:
    return "is accepted any more: everybody has to sign in again." if revoked else "signed is good until it ends."


def _tell(data: DataDir, old: str, new: str, now_ms: int, *, revoke_old: bool) -> None:
    """Write it down, and revoke the old key where that is wanted. Without a running platform neither is possible."""
    import uuid

    from central_hub.cli.asking import on_bus
    from contracts import subjects
    from contracts.audit import AuditRecord
    from contracts.codec import encode
    from contracts.revocations import EVERY_TENANT, Revocation, RevocationKind
    from kit.bus import Bus
    from kit.revocations import revoke

    async def tell(bus: Bus) -> None:
        if revoke_old:
            kind = RevocationKind.KEY
            await revoke(bus, Revocation(EVERY_TENANT, kind, old, now_ms + 1, "revoked by the operator", "operator"))
        detail = {"old": old, "new": new, "revoked": "yes" if revoke_old else "no", "by": "operator"}
        record = AuditRecord(uuid.uuid4().hex, "default", now_ms, "operator", "token_key_changed", new, detail)
        await bus.store(subjects.audit("default"), encode(record), record.id)

    try:
        on_bus(data, tell)
    except HubError as error:
        if revoke_old:
            raise HubError(f"The key was changed, and the old one could not be revoked. {error}") from None
        print(f"The key was changed; the audit trail will not say so, because the platform does not run. ({error})")

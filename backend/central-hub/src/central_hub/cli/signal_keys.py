"""`aitrading keys rotate signal`: a new key for signals, announced under the key that lies offline."""

import argparse
import contextlib
import os
import time
from pathlib import Path

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import write_down
from central_hub.domain.signal_keys import LEAD_MS, TooSoon, next_list
from central_hub.ports import HubError
from contracts.rotation import KeyList, SignalKey, SignedKeyList
from kit import private_file

LIST = "signal-keys.json"


def run(options: argparse.Namespace) -> int:
    """Make the key, sign the list, put both in place; services take them up within a second."""
    from kit.errors import SignatureRefused
    from kit.key_lists import sign_list, verify_list
    from kit.keys import key_id, make_private_key, public_text, read_private_key, read_public

    data = DataDir(options.data)
    secrets = data.secrets
    if options.revoke:
        # a key in wrong hands must go, whatever stores are away; what can be written down is
        with contextlib.suppress(HubError):
            write_down(data, "signal_key_revoked", "signal", {})
    elif not write_down(data, "signal_key_rotated", "signal", {}):
        print("The platform does not run, so this is not in the audit trail.")
    offline = options.rotation_key or secrets / "ca" / "offline" / "rotation.key"
    try:
        rotation_key = read_private_key(offline)
    except (OSError, ValueError) as error:
        raise HubError(
            f"The rotation key {offline} can't be read ({error}): bring the folder `offline` back for this command, "
            "or name the key with --rotation-key."
        ) from None
    now_ms = time.time_ns() // 1_000_000
    try:
        first = read_public((secrets / "signal.pub").read_text())
        known = _known(secrets / LIST)
        before = verify_list(known, rotation_key.public_key()) if known else None
        made = secrets / f"signal-keys/new-{now_ms}.key"
        private = make_private_key(made)
        fresh = SignalKey(key_id(private), public_text(private), 0)
        after = next_list(before, SignalKey(key_id(first), public_text(first), 0), fresh, now_ms, revoke=options.revoke)
    except SignatureRefused as error:
        raise HubError(f"{secrets / LIST} was not signed by this rotation key ({error}).") from None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        _forget(secrets)
        text = str(error) if isinstance(error, TooSoon) else f"The keys in {secrets} can't be used ({error})."
        raise HubError(f"{text} Use --revoke if the present key is in wrong hands.") from None
    # the private key first: an engine that sees the list must find the key
    os.replace(made, secrets / "signal-keys" / f"{fresh.key_id}.key")
    private_file.replace(secrets / LIST, msgspec.json.encode(sign_list(after, rotation_key)))
    print(_said(after, fresh.key_id, options.revoke))
    return 0


def _said(after: KeyList, name: str, revoked: bool) -> str:
    if revoked:
        return f"Key {name} signs from now on; {', '.join(after.revoked)} must not be believed any more."
    lead = LEAD_MS // 1000
    return f"Key {name} signs in {lead} s; the key before it counts for two hours more (list {after.version})."


def _known(path: Path) -> SignedKeyList | None:
    return msgspec.json.decode(path.read_bytes(), type=SignedKeyList) if path.exists() else None


def _forget(secrets: Path) -> None:
    for left in (secrets / "signal-keys").glob("new-*.key"):
        left.unlink(missing_ok=True)

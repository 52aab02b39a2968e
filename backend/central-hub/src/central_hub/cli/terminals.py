"""`aitrading terminal add`, `list`, `revoke` and `pins`: who may connect, and whom terminals may trust."""

import argparse
import json
import secrets
import sys
import time
from pathlib import Path

import msgspec

from central_hub.adapters.ca_files import CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.terminal_book import TerminalBook, book_in
from central_hub.cli.asking import on_bus, port_of
from central_hub.domain.enrolment import PINS_LIVE_MS, Enrolment, EnrolmentFault, check
from central_hub.domain.terminals import JOIN_LIFETIME_MS, Terminal, join_hash
from central_hub.ports import HubError
from contracts.rotation import KeyList, SignedKeyList
from contracts.tenants import DEFAULT
from contracts.terminals import PINS_CONTEXT, PinSet, SignedPins
from contracts.uplink import PATH
from kit import private_file

DAY_MS = 86_400_000


def run(options: argparse.Namespace) -> int:
    """The verb that was asked for."""
    verbs = {"add": _add, "list": _list, "revoke": _revoke, "pins": _pins}
    return verbs[options.terminal_verb](options, DataDir(options.data))


def _add(options: argparse.Namespace, data: DataDir) -> int:
    """Write the enrolment file (mode 0600) and print its path."""
    server = options.server or f"wss://127.0.0.1:{port_of(data, 'data-bridge')}{PATH}"
    try:
        check(options.tenant, options.account, server)
    except EnrolmentFault as fault:
        raise HubError(str(fault)) from None
    _check_room(data, options.tenant)
    out = options.out or data.root / "terminals" / f"{options.tenant}-{options.account}.json"
    enrolment = issue(data, options.tenant, options.account, server)
    _write_private(out, msgspec.json.format(msgspec.json.encode(enrolment), indent=1))
    print(out)
    # on the other stream: programs read the path from standard output
    print(f"Tell the trader this fingerprint, by another way than the file goes: {enrolment.pins[0]}", file=sys.stderr)
    return 0


def _check_room(data: DataDir, tenant: str) -> None:
    """HubError unless the tenant may have one more. A platform that does not run has the tenant `default` only."""
    if tenant == DEFAULT and not data.holder():
        return
    from central_hub.cli.tenants import check_room

    living = sum(not one.revoked_ms for one in book_in(data.root).all(tenant))
    on_bus(data, lambda bus: check_room(bus, tenant, living))


def issue(data: DataDir, tenant: str, account: str, server: str) -> Enrolment:
    """A new terminal in the book, and its enrolment. HubError when the platform was never started here."""
    ca = CaFiles(data.secrets)
    now = time.time_ns() // 1_000_000
    try:
        signal_keys = _signal_keys(data.secrets, now)
        roots = ca.root.read_bytes()
        pins = (*_pins_of(roots), ca.backup_pin.read_text().strip())
        rotation = ca.rotation_public.read_text().strip()
    except (OSError, ValueError) as error:
        raise HubError(
            f"The keys in {data.secrets} can't be read ({error}): start the platform once with `aitrading up`, "
            f"as the same user."
        ) from None
    token = secrets.token_urlsafe(32)
    name = f"{account}-{secrets.token_hex(4)}"
    book_in(data.root).add(Terminal(name, tenant, account, join_hash(token), now, now + JOIN_LIFETIME_MS))
    return Enrolment(
        server,
        tenant,
        account,
        "",
        signal_keys,
        now,
        name,
        token,
        roots.decode(),
        tuple(dict.fromkeys(pins)),
        now + PINS_LIVE_MS,
        rotation,
    )


def _signal_keys(secrets_folder: Path, now_ms: int) -> dict[str, str]:
    """Those that count after the last rotation: a key that was revoked must not come back with a new enrolment."""
    from kit.keys import key_id, public_text, read_public

    changed = secrets_folder / "signal-keys.json"
    if changed.exists():
        signed = msgspec.json.decode(changed.read_bytes(), type=SignedKeyList)
        keys = msgspec.json.decode(signed.body, type=KeyList).keys
        return {key.key_id: key.public for key in keys if not key.until_ms or now_ms < key.until_ms}
    first = read_public((secrets_folder / "signal.pub").read_text())
    return {key_id(first): public_text(first)}


def _list(options: argparse.Namespace, data: DataDir) -> int:
    """One line per terminal, or JSON."""
    found = book_in(data.root).all(options.tenant or "")
    now = time.time_ns() // 1_000_000
    if options.json:
        print(json.dumps([{**_shown(one), "state": _state(one, now)} for one in found], indent=1))
        return 0
    for one in found:
        print(f"{one.id:<24} {one.tenant:<12} {_state(one, now):<34} {one.address}")
    return 0


def _shown(one: Terminal) -> dict[str, object]:
    row = msgspec.to_builtins(one)
    return {name: row[name] for name in row if name not in ("join_hash", "key")}


def _state(one: Terminal, now_ms: int) -> str:
    if one.revoked_ms:
        return f"revoked {_when(one.revoked_ms)}"
    if not one.joined_ms:
        return "waits for its PC" if now_ms < one.join_until_ms else "enrolment expired unused"
    return f"{'good until' if now_ms < one.expires_ms else 'silent since'} {_when(one.expires_ms)}"


def _when(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ms / 1000))


def _revoke(options: argparse.Namespace, data: DataDir) -> int:
    """In the book first, so that it renews nothing; then told to all services, which cut it off."""
    from central_hub.terminal_desk import revocation_of
    from kit.revocations import revoke

    book = book_in(data.root)
    found = book.by_id(options.id)
    if found is None:
        raise HubError(f"There is no terminal {options.id}: `aitrading terminal list` shows all.")
    now = time.time_ns() // 1_000_000
    if not book.revoke(found.id, options.reason, now) and found.told_ms:
        print(f"{found.id} was revoked {_when(found.revoked_ms)}")
        return 0
    fresh = _again(book, found.id)
    try:
        on_bus(data, lambda bus: revoke(bus, revocation_of(fresh)))
    except HubError as error:
        print(
            f"{found.id} is revoked and gets no new certificate; it is cut off at the platform's next start.\n{error}"
        )
        return 0
    book.told(found.id, now)
    print(f"{found.id} is revoked and cut off")
    return 0


def _again(book: TerminalBook, terminal_id: str) -> Terminal:
    found = book.by_id(terminal_id)
    if found is None:
        raise HubError(f"There is no terminal {terminal_id} any more.")
    return found


def _pins(options: argparse.Namespace, data: DataDir) -> int:
    """Sign the roots of now and the spare key for every client; each gets it with its next renewal."""
    from kit.keys import read_private_key

    ca = CaFiles(data.secrets)
    file = ca.folder / "pins.json"
    if options.announce_next_root:
        ca.announce_next_root()
    try:
        key = read_private_key(ca.offline / "rotation.key")
        roots = ca.root.read_bytes()
        pins = (*_pins_of(roots), ca.backup_pin.read_text().strip())
        last = _version_of(file)
    except (OSError, ValueError) as error:
        raise HubError(
            f"The rotation key or the roots can't be read ({error}): bring the folder `offline` back for "
            f"this one command."
        ) from None
    now = time.time_ns() // 1_000_000
    made = PinSet(last + 1, tuple(dict.fromkeys(pins)), now, now + options.days * DAY_MS, roots.decode())
    body = msgspec.json.encode(made).decode()
    signed = SignedPins(body, key.sign(PINS_CONTEXT + body.encode()).hex())
    _write_private(file, msgspec.json.encode(signed))
    print(f"{file}: version {made.version}, good until {_when(made.expires_ms)}; clients take it when they renew")
    return 0


def _version_of(file: Path) -> int:
    try:
        signed = msgspec.json.decode(file.read_bytes(), type=SignedPins)
    except FileNotFoundError:
        return 0
    return msgspec.json.decode(signed.body, type=PinSet).version


def _pins_of(roots: bytes) -> list[str]:
    from kit import pki
    from kit.tls import spki_pin

    return [spki_pin(pki.der(one)) for one in pki.read_chain(roots)]


def _write_private(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_file.replace(path, content)
    except OSError as error:
        raise HubError(f"{path} can't be written ({error.strerror}): choose another place with --out.") from None

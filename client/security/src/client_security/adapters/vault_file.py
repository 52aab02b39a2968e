"""The vault on disk: `vault.bin`, sealed by a key that a keeper keeps, and a version counter outside of it.

What it protects against depends on the keeper; each says so in one sentence. What no keeper protects against: a program
that runs as the same user while that user is logged in. The Windows session is the border, as it is for MT5 itself.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag

from client_security.adapters.private_file import locked, read_private, write_private
from client_security.domain.vault_format import (
    ID_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    ROTATE_AFTER,
    Contents,
    Header,
    VaultRefused,
    header_of,
    opened,
    seal,
    sealed_key,
)
from client_security.ports import Keeper, Note

FILE = "vault.bin"


class VaultStatus(msgspec.Struct, frozen=True):
    """What may be shown: no value of any entry."""

    keeper: str
    protects: str
    version: int
    writes: int
    """Under the present data key; it is replaced after 65,536."""
    entries: tuple[str, ...]
    counters: tuple[str, ...]
    """Where the version is remembered outside of the file, with what stands there."""


@dataclass(slots=True)
class _Open:
    header: Header
    contents: Contents
    key: bytes = field(repr=False)


class Vault:
    """One vault. `keepers` makes the keeper of a kind; `key` is the vault key where a parent program opened it already.

    Programs share it: every call takes the directory's lock, so a reader never meets half of a change.
    """

    def __init__(
        self, directory: Path, keepers: Mapping[str, Callable[[], Keeper]], notes: Sequence[Note], key: bytes = b""
    ) -> None:
        self.path = directory / FILE
        self._lock = directory / "vault.lock"
        self._keepers, self._notes = keepers, notes
        self._given = key
        self._known: dict[bytes, bytes] = {}
        """ what the keeper was given -> vault key """

    def exists(self) -> bool:
        """Whether there is one."""
        return self.path.exists()

    def create(self, kind: str, entries: Mapping[str, bytes]) -> None:
        """Make it, with a keeper of this kind. VaultRefused when there is one, or the keeper can't."""
        with locked(self._lock):
            if self.exists():
                raise VaultRefused("there is a vault already")
            key, vault_id = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(ID_BYTES)
            header = Header(vault_id, 0, kind, self._keeper(kind).keep(key, vault_id), b"", 0, b"")
            contents = Contents(secrets.token_bytes(KEY_BYTES), dict(entries))
            self._write(_Open(_fresh_data_key(header, key), contents, key))

    def entry(self, name: str) -> bytes | None:
        """One secret; None when it is not there."""
        return self.entries().get(name)

    def entries(self) -> dict[str, bytes]:
        """All of them. VaultRefused with what to do."""
        with locked(self._lock):
            return dict(self._read().contents.entries)

    def update(self, changes: Mapping[str, bytes | None]) -> None:
        """Put entries in, or take out those that are None; all of them or none, on disk when this returns."""
        with locked(self._lock):
            now = self._read()
            merged = {**now.contents.entries, **changes}
            kept = {name: value for name, value in merged.items() if value is not None}
            self._write(_Open(now.header, Contents(now.contents.note_key, kept), now.key))

    def rotate(self, kind: str = "") -> None:
        """New vault key and new data key, kept by the same keeper or by another kind."""
        with locked(self._lock):
            now = self._read()
            kind = kind or now.header.keeper
            key = secrets.token_bytes(KEY_BYTES)
            kept = self._keeper(kind).keep(key, now.header.vault_id)
            header = msgspec.structs.replace(now.header, keeper=kind, kept=kept)
            self._write(_Open(_fresh_data_key(header, key), now.contents, key))

    def accept(self) -> int:
        """Believe this file although it is older than the counters say: a person has put back a copy on purpose."""
        with locked(self._lock):
            now = self._read(any_version=True)
            self._write(now)
            return now.header.version

    def unlocked_key(self) -> bytes:
        """The vault key, for programs that this one starts; it travels over a pipe only."""
        with locked(self._lock):
            return self._read().key

    def status(self) -> VaultStatus:
        """Opens the vault, so a wrong one is refused here as well."""
        with locked(self._lock):
            now = self._read()
            said = tuple(f"{note.where}: {self._noted(note, now)}" for note in self._notes)
            header = now.header
            protects = self._keeper(header.keeper).protects
            return VaultStatus(
                header.keeper, protects, header.version, header.writes, tuple(sorted(now.contents.entries)), said
            )

    def _keeper(self, kind: str) -> Keeper:
        if kind not in self._keepers:
            raise VaultRefused(f"this vault's key is kept by {kind[:32]!r}, which this machine does not have")
        return self._keepers[kind]()

    def _read(self, *, any_version: bool = False) -> _Open:
        try:
            document = read_private(self.path)
        except FileNotFoundError:
            raise VaultRefused("no enrolment was imported yet; run with --enrolment FILE from the server") from None
        except OSError as error:
            raise VaultRefused(f"the vault can't be read ({error.strerror}); check the disk") from None
        header = header_of(document)
        key = self._key(header)
        found = _Open(header, opened(document, key), key)
        if not any_version:
            self._refuse_older(found)
        return found

    def _key(self, header: Header) -> bytes:
        if header.kept not in self._known:
            if self._given and self._fits(header, self._given):
                self._known = {header.kept: self._given}
            else:
                self._known = {header.kept: self._keeper(header.keeper).give_back(header.kept, header.vault_id)}
        return self._known[header.kept]

    @staticmethod
    def _fits(header: Header, key: bytes) -> bool:
        try:
            seal(header, Contents(b"", {}), key)
        except InvalidTag:
            return False
        return True

    def _noted(self, note: Note, now: _Open) -> int | None:
        """The version a note tells; None when there is none, 0 when it was tampered with."""
        try:
            text = note.read(now.header.vault_id)
        except OSError:
            return None
        if text is None:
            return None
        number, _, mac = text.partition(".")
        true = number.isdecimal() and hmac.compare_digest(mac, _mac(now, int(number)))
        return int(number) if true else 0

    def _refuse_older(self, now: _Open) -> None:
        noted = [n for note in self._notes if (n := self._noted(note, now)) is not None]
        version = now.header.version
        # between writing the file and its counters the power may fail: then the file is one ahead, which is fine
        if 0 in noted or (not noted and version > 1):
            raise VaultRefused(
                "the vault's version counter was removed or changed, so an older copy could not be told apart. If you "
                "moved it on purpose, say so with `aitrading-client vault accept`; otherwise enrol this PC anew"
            )
        if noted and max(noted) > version:
            raise VaultRefused(
                f"this vault is an older copy (version {version}, the newest was {max(noted)}): keys may have been "
                "replaced since. If you put it back on purpose, say so with `aitrading-client vault accept`"
            )

    def _write(self, now: _Open) -> None:
        header = now.header
        if header.writes >= ROTATE_AFTER:
            header = _fresh_data_key(header, now.key)
        noted = [n for note in self._notes if (n := self._noted(note, now)) is not None]
        header = msgspec.structs.replace(
            header,
            version=max([header.version, *noted]) + 1,
            writes=header.writes + 1,
            nonce=secrets.token_bytes(NONCE_BYTES),
        )
        write_private(self.path, seal(header, now.contents, now.key))
        self._known = {header.kept: now.key}
        written = _Open(header, now.contents, now.key)
        for note in self._notes:
            note.write(header.vault_id, f"{header.version}.{_mac(written, header.version)}")


def _mac(now: _Open, version: int) -> str:
    return hmac.digest(now.contents.note_key, b"version" + now.header.vault_id + b"%d" % version, "sha256").hex()


def _fresh_data_key(header: Header, vault_key: bytes) -> Header:
    box = sealed_key(secrets.token_bytes(KEY_BYTES), vault_key, header.vault_id, secrets.token_bytes(NONCE_BYTES))
    return msgspec.structs.replace(header, data_key=box, writes=0)

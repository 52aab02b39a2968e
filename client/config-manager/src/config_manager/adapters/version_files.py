"""One file per version, written beside and renamed: a crash leaves the old version or the new one, never a mixture."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from client_security.adapters.private_file import locked, write_private
from config_manager.domain.client_config import ConfigRefused
from config_manager.domain.versions import Choice, Version, document_of, read

BACKUP = b"aitrading client backup 1 "
KEEP = 50
KEEP_BAD = 20
_NAME = re.compile(r"^(\d{8})\.json$")
_BAD = re.compile(r"^(\d{8})\.(\d+\.)?bad$")
Change = Callable[[Choice], tuple[Choice, str] | None]
"""Makes of the current choice another one, and says why; None when nothing changes."""


class VersionFiles:
    """Implements ports.Versions in a directory. What can't be read is renamed to `.bad`, kept, and told about."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.directory.iterdir() if _NAME.match(path.name))

    def all(self) -> list[Version]:
        """Every readable version, oldest first."""
        found = []
        for path in self._paths():
            try:
                document = path.read_bytes()
            except FileNotFoundError:  # another program keeps house at the same moment
                continue
            version = read(document)
            if version is None or f"{version.number:08d}.json" != path.name:
                self._set_aside(path)
                continue
            found.append(version)
        return found

    def _set_aside(self, path: Path) -> None:
        aside, number = path.with_suffix(".bad"), 1
        while aside.exists():
            number += 1
            aside = path.with_suffix(f".{number}.bad")
        os.replace(path, aside)
        for old in sorted(p for p in self.directory.iterdir() if _BAD.match(p.name))[:-KEEP_BAD]:
            old.unlink(missing_ok=True)

    def damaged(self) -> tuple[str, ...]:
        """Names of files that were set aside and still lie there; a person who has looked deletes them."""
        self.all()
        return tuple(sorted(path.name for path in self.directory.iterdir() if _BAD.match(path.name)))

    def current(self) -> Version | None:
        """The newest readable version; None on a fresh PC."""
        versions = self.all()
        return versions[-1] if versions else None

    def change(self, change: Change, now_ms: int) -> Version | None:
        """Make a new version of the current one, on disk when this returns; programs take turns. None: no change."""
        with locked(self.directory / "lock"):
            versions = self.all()
            made = change(versions[-1].choice if versions else Choice())
            if made is None or (versions and _same(made[0], versions[-1].choice)):
                return None
            choice, why = made
            choice.effective()  # raises before anything is written
            version = Version(self._next(), now_ms, why, choice)
            write_private(self.directory / f"{version.number:08d}.json", document_of(version))
            for old in versions[: max(0, len(versions) + 1 - KEEP)]:
                (self.directory / f"{old.number:08d}.json").unlink(missing_ok=True)
            return version

    def _next(self) -> int:
        used = [int(path.name[:8]) for path in self.directory.iterdir() if path.name[:8].isdigit()]
        return max(used, default=0) + 1

    def roll_back(self, number: int, now_ms: int) -> Version:
        """Make an old version the newest one, under a new number: history is never rewritten. What the server offers
        stays as it is now: going back is about what the trader chose."""
        version = next((each for each in self.all() if each.number == number), None)
        if version is None:
            raise ConfigRefused(f"there is no version {number}; `history` lists those that are kept")
        before = version.choice

        def back(now: Choice) -> tuple[Choice, str]:
            old = msgspec.structs.replace(before, offered=now.offered, revision=now.revision)
            return old, f"rolled back to version {number}"

        made = self.change(back, now_ms)
        current = made or self.current()
        assert current is not None, "there is one: the version that was named"
        return current

    def backup(self) -> bytes:
        """All versions in one document. Secrets in it stay sealed: only this PC's vault opens them."""
        versions = b"".join(_framed(document_of(version)) for version in self.all())
        return BACKUP + hashlib.sha256(versions).hexdigest().encode() + b"\n" + versions

    def restore(self, document: bytes, now_ms: int, opens: Callable[[str, str], bool]) -> tuple[Version, str]:
        """The newest version of a backup as a new version; what is here stays in the history. `opens` tells whether a
        secret (name, sealed) can be opened on this PC; ConfigRefused when the backup is damaged."""
        versions = _unframed(document)
        if not versions:
            raise ConfigRefused("this is no backup of a client's settings, or it is damaged; nothing was changed")
        newest = versions[-1]
        secrets = {name: sealed for name, sealed in newest.choice.secrets.items() if opens(name, sealed)}
        lost = sorted(set(newest.choice.secrets) - set(secrets))

        def put_back(now: Choice) -> tuple[Choice, str]:
            # the server's revision never goes back: an old offer would be taken for news
            restored = msgspec.structs.replace(
                newest.choice, secrets=secrets, offered=now.offered, revision=now.revision
            )
            return restored, f"restored from a backup (its version {newest.number})"

        version = self.change(put_back, now_ms) or self.current()
        assert version is not None, "there is one now"
        said = f"; these secrets were sealed on another PC, give them again: {', '.join(lost)}" if lost else ""
        return version, said


def _same(one: Choice, other: Choice) -> bool:
    """As they are written: a list that was read back is the tuple that was given."""
    first, second = (msgspec.json.encode(each, order="deterministic") for each in (one, other))
    return first == second


def _framed(document: bytes) -> bytes:
    return b"%d\n" % len(document) + document + b"\n"


def _unframed(document: bytes) -> list[Version]:
    """All versions, or none when any of it is damaged."""
    head, newline, rest = document.partition(b"\n")
    if not newline or head != BACKUP + hashlib.sha256(rest).hexdigest().encode():
        return []
    found = []
    while rest:
        size, _, rest = rest.partition(b"\n")
        if not size.isdigit() or len(size) > 9 or len(rest) < int(size) + 1:
            return []
        version = read(rest[: int(size)])
        if version is None:
            return []
        found.append(version)
        rest = rest[int(size) + 1 :]
    return found

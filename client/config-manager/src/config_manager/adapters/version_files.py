"""One file per version, written beside and renamed: a crash leaves the old version or the new one, never a mixture."""

import os
import re
from pathlib import Path

import msgspec

from config_manager.domain.client_config import ClientConfig, ConfigRefused, Version, checked, read, sealed

KEEP = 50
_NAME = re.compile(r"^(\d{8})\.json$")


class VersionFiles:
    """Implements ports.Versions in a directory. What can't be read is renamed to `.bad` and kept for inspection."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.directory.iterdir() if _NAME.match(path.name))

    def all(self) -> list[Version]:
        """Every readable version, oldest first."""
        found = []
        for path in self._paths():
            version = read(path.read_bytes())
            if version is None or f"{version.number:08d}.json" != path.name:
                os.replace(path, path.with_suffix(".bad"))
                continue
            found.append(version)
        return found

    def current(self) -> Version | None:
        """The newest readable version; None on a fresh PC."""
        versions = self.all()
        return versions[-1] if versions else None

    def save(self, config: ClientConfig, why: str, now_ms: int) -> Version:
        """Keep a new version, on disk when this returns; the oldest beyond fifty are deleted."""
        checked(config)
        versions = self.all()
        used = [int(path.name[:8]) for path in self.directory.iterdir() if path.name[:8].isdigit()]
        version = sealed(Version(max(used, default=0) + 1, now_ms, why, config))
        target = self.directory / f"{version.number:08d}.json"
        temporary = target.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(version), indent=2))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        for old in versions[: max(0, len(versions) + 1 - KEEP)]:
            (self.directory / f"{old.number:08d}.json").unlink(missing_ok=True)
        return version

    def roll_back(self, number: int, now_ms: int) -> Version:
        """Make an old version the newest one, under a new number: history is never rewritten."""
        for version in self.all():
            if version.number == number:
                return self.save(version.config, f"rolled back to version {number}", now_ms)
        raise ConfigRefused(f"there is no version {number}; `history` lists those that are kept")

"""The platform's keys and passwords: made at the first start, readable by their owner only."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from central_hub.ports import HubError

MODE = 0o600


def write_once(path: Path, text: str) -> str:
    """Write `text` to a file of mode 0600 unless it exists; what stands in the file afterwards."""
    with contextlib.suppress(FileExistsError):
        _write(path, text, os.O_EXCL)
    return path.read_text().strip()


def _write(path: Path, text: str, how: int) -> None:
    # written beside and linked into place, so that a crash never leaves an empty secret behind
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        if how == os.O_EXCL:
            os.link(fresh, path)
        else:
            os.replace(fresh, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where they lie, and the passwords that the hub hands to its children."""

    folder: Path
    bus: dict[str, str]
    """ user of the bus -> password """
    postgres: str

    @property
    def token_key(self) -> Path:
        """Signs session and terminal tokens."""
        return self.folder / "token.key"

    @property
    def token_public(self) -> Path:
        """Verifies them."""
        return self.folder / "token.pub"

    @property
    def signal_key(self) -> Path:
        """Signs signals; the engine's alone."""
        return self.folder / "signal.key"

    @property
    def signal_public(self) -> Path:
        """Verifies signals; pinned by every terminal."""
        return self.folder / "signal.pub"

    @property
    def setup_code(self) -> Path:
        """Lets the first user be made; the gateway removes it afterwards."""
        return self.folder / "setup.code"


def open_secrets(folder: Path, bus_users: Iterable[str]) -> Secrets:
    """Make what is missing and read the rest. HubError when a file can't be used."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        first_time = not (folder / "bus.json").exists()
        for name in ("token", "signal"):
            _key_pair(folder, name)
        if first_time:
            write_once(folder / "setup.code", secrets.token_urlsafe(18))
        postgres = write_once(folder / "postgres.password", secrets.token_urlsafe(24))
        return Secrets(folder, _bus_passwords(folder / "bus.json", bus_users), postgres)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise HubError(f"The secrets in {folder} can't be used ({error}): restore them from a backup.") from None


def read_bus_password(folder: Path, user: str) -> str:
    """The password of one user of the bus; empty when the platform has never been started here."""
    try:
        return msgspec.json.decode((folder / "bus.json").read_bytes(), type=dict[str, str]).get(user, "")
    except (OSError, msgspec.MsgspecError):
        return ""


def _bus_passwords(path: Path, users: Iterable[str]) -> dict[str, str]:
    known = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
    missing = {user: secrets.token_urlsafe(24) for user in users if user not in known}
    if missing:
        known |= missing
        _write(path, msgspec.json.format(msgspec.json.encode(known), indent=1).decode(), 0)
    return known


def _key_pair(folder: Path, name: str) -> None:
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    if private.exists() and public.exists():
        return
    from kit.keys import make_private_key, public_text  # only at the first start: it costs a tenth of a second

    write_once(public, public_text(make_private_key(private)))

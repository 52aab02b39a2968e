"""The platform's keys and passwords: made at the first start, readable by their owner only, handed on as paths."""

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from central_hub.ports import HubError
from kit import private_file

MODE = 0o600
SETUP_CODE_S = 12 * 3_600
"""A start makes a new code when the old one is this old: the link that it prints is good for half a day at least."""


def write_once(path: Path, text: str) -> str:
    """Write `text` to a file of mode 0600 unless it exists; what stands in the file afterwards."""
    with contextlib.suppress(FileExistsError):
        _link(path, text)
    return path.read_text().strip()


def _link(path: Path, text: str) -> None:
    # written beside and linked into place, so that a crash never leaves an empty secret behind
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where they lie. Children are told paths, never what stands in the files."""

    folder: Path
    bus: dict[str, str]
    """ user of the bus -> public key of its seed """

    @property
    def owner_password(self) -> Path:
        """Of the database role that migrates and backs up."""
        return self.folder / "postgres" / "owner.password"

    @property
    def app_password(self) -> Path:
        """Of the database role that the running service uses."""
        return self.folder / "postgres" / "app.password"

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
        first_time = not (folder / "token.key").exists()
        # before the key that says that this is no first time: a start that was cut short makes it again
        _setup_code(folder / "setup.code", first_time)
        for name in ("token", "signal"):
            _key_pair(folder, name)
        write_once(folder / "people.key", secrets.token_hex(32))
        _retire(folder)
        made = Secrets(folder, _bus_keys(folder / "nkeys", bus_users))
        made.owner_password.parent.mkdir(exist_ok=True, mode=0o700)
        for file in (made.owner_password, made.app_password):
            write_once(file, secrets.token_urlsafe(24))
        return made
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise HubError(f"The secrets in {folder} can't be used ({error}): restore them from a backup.") from None


def _setup_code(file: Path, first_time: bool) -> None:
    """As long as it lies there nobody has used it; the gateway takes it for a day."""
    if first_time or (file.exists() and time.time() - file.stat().st_mtime > SETUP_CODE_S):
        private_file.replace(file, secrets.token_urlsafe(18).encode())


def seed_file(folder: Path, user: str) -> Path:
    """The seed of a user of the bus."""
    return folder / "nkeys" / f"{user}.seed"


def _retire(folder: Path) -> None:
    """Earlier versions kept passwords of the bus, and one of the database in another place."""
    (folder / "bus.json").unlink(missing_ok=True)
    old = folder / "postgres.password"
    if old.exists():
        (folder / "postgres").mkdir(exist_ok=True, mode=0o700)
        os.replace(old, folder / "postgres" / "owner.password")


def _bus_keys(folder: Path, users: Iterable[str]) -> dict[str, str]:
    folder.mkdir(exist_ok=True, mode=0o700)
    public = folder / "public.json"
    known = msgspec.json.decode(public.read_bytes(), type=dict[str, str]) if public.exists() else {}
    missing = [user for user in users if user not in known or not (folder / f"{user}.seed").exists()]
    if missing:
        from kit import nkeys  # only when a seed is made

        for user in missing:
            known[user] = nkeys.public_of(write_once(folder / f"{user}.seed", nkeys.make_seed()))
        private_file.replace(public, msgspec.json.format(msgspec.json.encode(known), indent=1))
    return known


def _key_pair(folder: Path, name: str) -> None:
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    if private.exists() and public.exists():
        return
    from kit.keys import make_private_key, public_text  # only at the first start: it costs a tenth of a second

    write_once(public, public_text(make_private_key(private)))

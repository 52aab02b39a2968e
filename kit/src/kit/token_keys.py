"""The keys behind tokens while they change: one signs, those that signed before verify until their last token ends.

In a folder: `token.key` signs, `token.pub` is its public part, and `token-retired.pub` holds a line for each earlier
key: public part as hex, then the moment (UTC ms) from which it signed nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kit import private_file
from kit.keys import key_id, public_text, read_private_key, read_public

LOOK_EVERY_MS = 1_000
"""Files are looked at this often at most, also when strangers send unknown key ids all the time."""


def retired_file(public_file: Path) -> Path:
    """Where the earlier keys stand."""
    return public_file.with_name(f"{public_file.stem}-retired{public_file.suffix}")


@dataclass(slots=True)
class TokenKeys:
    """Verification keys by id, as `kit.tokens.verify` asks for them. A key that has just been made is found at once.

    Without `token.pub` no key signs.
    """

    public_file: Path
    life_ms: int
    """How long a token of this kind lives at most: that long a retired key still verifies."""
    now_ms: Callable[[], int]
    _known: dict[str, tuple[Ed25519PublicKey, int]] = field(default_factory=dict)
    """ key id -> the key, and when it was retired (0: it signs) """
    _stamp: tuple[int, ...] = ()
    _looked_ms: int = -LOOK_EVERY_MS

    def __post_init__(self) -> None:
        """OSError or ValueError when the files can't be used."""
        self._read()

    def get(self, kid: str, /) -> Ed25519PublicKey | None:
        """The key; None when nobody knows it, or when everything it signed has ended."""
        now_ms = self.now_ms()
        if abs(now_ms - self._looked_ms) >= LOOK_EVERY_MS:
            self._looked_ms = now_ms
            self._read_again()
        found = self._known.get(kid)
        if found is None:
            return None
        key, retired_ms = found
        return key if not retired_ms or now_ms < retired_ms + self.life_ms else None

    def _read_again(self) -> None:
        try:
            if self._stat() != self._stamp:
                self._read()
        except (OSError, ValueError):
            return  # in the middle of a change: what was known stays

    def _stat(self) -> tuple[int, ...]:
        retired = retired_file(self.public_file)
        return tuple(each.stat().st_mtime_ns if each.exists() else 0 for each in (self.public_file, retired))

    def _read(self) -> None:
        stamp = self._stat()
        known: dict[str, tuple[Ed25519PublicKey, int]] = {}
        retired = retired_file(self.public_file)
        for line in retired.read_text().splitlines() if retired.exists() else ():
            text, _, since = line.partition(" ")
            key = read_public(text)
            known[key_id(key)] = (key, int(since))
        if self.public_file.exists():
            current = read_public(self.public_file.read_text())
            known[key_id(current)] = (current, 0)
        self._known, self._stamp = known, stamp


def rotate(folder: Path, now_ms: int, forget_ms: int) -> tuple[str, str]:
    """Make a new signing key; the ids of the old and the new one.

    Whoever verifies knows the new key before it signs: the files change in that order, each at once. Keys retired more
    than `forget_ms` ago are forgotten.
    """
    private, public = folder / "token.key", folder / "token.pub"
    old, new = read_private_key(private), Ed25519PrivateKey.generate()
    retired = retired_file(public)
    lines = retired.read_text().splitlines() if retired.exists() else []
    kept = [line for line in lines if now_ms - int(line.partition(" ")[2]) < forget_ms]
    private_file.replace(retired, "\n".join([*kept, f"{public_text(old)} {now_ms}", ""]).encode(), 0o644)
    private_file.replace(public, f"{public_text(new)}\n".encode(), 0o644)
    private_file.replace(private, new.private_bytes_raw().hex().encode())
    return key_id(old), key_id(new)

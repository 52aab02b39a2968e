"""The trader's limits on disk: a file to read and to edit, which counts only as the trader confirmed it on this PC.

What was confirmed lies in the vault. So a program that writes the file, or a server that could make one do so, changes
nothing but this: no order leaves until a person has looked.
"""

from pathlib import Path

import msgspec

from client_security.adapters.private_file import write_private
from client_security.domain.vault_format import VaultRefused
from kit.clock import Clock
from metatrader_connector.domain.limits import Limits, differences
from metatrader_connector.ports import Confirmed, LimitsUnreadable

LOOK_AGAIN_NS = 1_000_000_000
"""While the file is not the confirmed one, the vault is asked at most this often."""


def document_of(limits: Limits) -> bytes:
    """The file's text."""
    return msgspec.json.format(msgspec.json.encode(limits), indent=2) + b"\n"


def limits_of(document: bytes) -> Limits:
    """What a document says; ValueError with what is wrong with it."""
    try:
        return msgspec.json.decode(document, type=Limits)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None


class LimitsFile:
    """Call it for the limits of this moment. LimitsUnreadable says what to do when nothing may be traded."""

    def __init__(self, path: Path, vault: Confirmed, clock: Clock) -> None:
        self._path, self._vault, self._clock = path, vault, clock
        self._mark: tuple[int, int, int] | None = None
        self._limits = Limits()
        self._trouble, self._look_again_ns = "", 0
        confirmed = vault.confirmed_limits()
        if not path.exists():  # the very first start, or somebody removed it: what was confirmed is put back
            write_private(path, confirmed or document_of(Limits()))
        if confirmed is None:
            vault.confirm_limits(path.read_bytes())  # what the trader finds at the first start is what counts

    def __call__(self) -> Limits:
        """The confirmed limits."""
        try:
            about = self._path.stat()
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
            if mark != self._mark or (self._trouble and self._clock.monotonic_ns() >= self._look_again_ns):
                self._look(self._path.read_bytes())
                self._mark = mark
        except (OSError, ValueError, VaultRefused) as error:
            self._mark = None
            raise LimitsUnreadable(f"the limits file {self._path} can't be used ({error}); correct it") from None
        if self._trouble:
            raise LimitsUnreadable(self._trouble)
        return self._limits

    def _look(self, document: bytes) -> None:
        found, confirmed = limits_of(document), self._vault.confirmed_limits()
        self._limits, self._trouble = found, ""
        if document != confirmed:
            before = limits_of(confirmed) if confirmed else Limits()
            changed = "; ".join(differences(before, found)) or "only its layout"
            self._trouble = (
                f"your limits were changed outside of `aitrading-client limits set` ({changed}); "
                "nothing is traded until you confirm them on this PC: aitrading-client limits confirm"
            )
            self._look_again_ns = self._clock.monotonic_ns() + LOOK_AGAIN_NS

"""Take what the server offers: verified, newer, for this PC, and usable; anything else is left and said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from client_security.adapters.papers import Papers
from config_manager.domain.client_config import ConfigRefused
from config_manager.domain.versions import with_offer
from config_manager.ports import Versions
from contracts.client_config import MAX_CONFIG_BYTES, ClientConfigOffer, SignedConfig
from contracts.codec import decode
from contracts.errands import CONFIG_INBOX
from contracts.errors import ContractError
from kit import log
from kit.client_config import verify_config
from kit.errors import KitError, SignatureRefused

_log = log.get("offers")


@dataclass(slots=True)
class Offers:
    """Call `look` now and then: the courier leaves the server's newest document in a file."""

    data: Path
    papers: Papers
    versions: Versions
    now_ms: Callable[[], int]
    refused: str = ""
    """Why the newest document was left; empty when it was taken."""
    _seen: tuple[int, int] = field(default=(0, 0))

    def look(self) -> bool:
        """Whether a new version was made. Blocks."""
        file = self.data / CONFIG_INBOX
        try:
            status = file.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if mark == self._seen:
                return False
            with file.open("rb") as opened:
                document = opened.read(2 * MAX_CONFIG_BYTES)
        except FileNotFoundError:
            return False
        taken = self.take(document)
        self._seen = mark
        return taken

    def take(self, document: bytes) -> bool:
        """Whether it is a new version now; `refused` says why not."""
        try:
            offer = self._verified(document)
            version = self.versions.change(lambda choice: with_offer(choice, offer), self.now_ms())
        except (ContractError, KitError) as error:
            self.refused = str(error)
            _log.warning("offer_left", reason=self.refused)
            return False
        self.refused = ""
        _log.info("offer_taken", revision=offer.revision, version=version.number if version else 0)
        return version is not None

    def _verified(self, document: bytes) -> ClientConfigOffer:
        signed = decode(document, SignedConfig)
        enrolment = self.papers.enrolment()
        keys, now = enrolment.keys(), self.now_ms()
        if (kept := self.papers.signal_keys()) is not None:
            keys.adopt(kept, now, kept=True)
        if keys.revoked(signed.key_id):
            raise SignatureRefused("unknown_key", "the settings are signed by a key that was revoked")
        offer = verify_config(signed, keys.live(now))
        if offer.tenant != enrolment.tenant or offer.account not in ("", enrolment.account):
            raise ConfigRefused("the settings are for another account")
        return offer

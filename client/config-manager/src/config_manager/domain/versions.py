"""Versions of the settings: what the trader set, what the server offers, which of the two wins, and when it was so.

A document is a line with the SHA-256 of the rest, then JSON: whatever a power cut or a bad disk leaves is noticed.
"""

import hashlib
from typing import Any

import msgspec

from config_manager.domain.client_config import SETTINGS, ClientConfig, ConfigRefused, made_of
from contracts.client_config import ClientConfigOffer

HEADING = b"aitrading client settings 2 "


class Choice(msgspec.Struct, frozen=True):
    """All that a version is about."""

    local: dict[str, Any] = {}
    """ setting -> what the trader set """
    kept: tuple[str, ...] = ()
    """Settings where the trader's own value wins over the server's; the default, where they set none."""
    offered: dict[str, Any] = {}
    """ setting -> what the server offers """
    revision: int = 0
    """Of the server's offer; 0: there was none."""
    secrets: dict[str, str] = {}
    """ name -> sealed value, hex; the key lies in the vault """

    def origin(self, name: str) -> str:
        """`server`, `yours` or `default`."""
        if name in self.offered and name not in self.kept:
            return "server"
        return "yours" if name in self.local else "default"

    def effective(self) -> ClientConfig:
        """The settings as they count. ConfigRefused when they can't be used."""
        ours = {name: value for name, value in self.local.items() if name not in self.offered or name in self.kept}
        theirs = {name: value for name, value in self.offered.items() if name not in self.kept}
        return made_of({**ours, **theirs})


class Version(msgspec.Struct, frozen=True):
    """One version on disk."""

    number: int
    at_ms: int
    why: str
    choice: Choice

    @property
    def config(self) -> ClientConfig:
        """The settings of this version as they count."""
        return self.choice.effective()


def document_of(version: Version) -> bytes:
    """What stands in its file."""
    body = msgspec.json.format(msgspec.json.encode(version, order="deterministic"), indent=1)
    return HEADING + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read(document: bytes) -> Version | None:
    """The version in a document; None when it is torn, changed or not valid."""
    if document[:1] == b"{":
        return _of_the_first_format(document)
    head, newline, body = document.partition(b"\n")
    if not newline or head != HEADING + hashlib.sha256(body).hexdigest().encode():
        return None
    try:
        found = msgspec.json.decode(body, type=Version)
        found.choice.effective()
    except (msgspec.DecodeError, UnicodeDecodeError, ConfigRefused):
        return None
    return found


def _of_the_first_format(document: bytes) -> Version | None:
    """Clients before this one wrote one JSON object with its checksum inside."""
    try:
        raw = msgspec.json.decode(document, type=dict[str, Any])
        body = msgspec.json.encode({**raw, "checksum": ""}, order="sorted")
        if hashlib.sha256(body).hexdigest() != raw["checksum"]:
            return None
        config = made_of(raw["config"])
        return Version(raw["number"], raw["at_ms"], raw["why"], Choice(differing(config)))
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ConfigRefused):
        return None


def differing(config: ClientConfig) -> dict[str, Any]:
    """What is not as it comes."""
    default = ClientConfig()
    return {name: getattr(config, name) for name in SETTINGS if getattr(config, name) != getattr(default, name)}


def with_offer(choice: Choice, offer: ClientConfigOffer) -> tuple[Choice, str]:
    """The choice with what the server offers, and what is to be said of it. ConfigRefused: it is left as a whole.

    What this client does not know is left out and said; what a server may not set at all spoils the document.
    """
    if offer.revision <= choice.revision:
        raise ConfigRefused(f"revision {offer.revision} is not newer than {choice.revision}, which counts")
    forbidden = [name for name in offer.values if name in SETTINGS and not SETTINGS[name].from_server]
    if forbidden:
        names = ", ".join(sorted(forbidden))
        raise ConfigRefused(f"a server may not set {names}; nothing of revision {offer.revision} was taken")
    files = [text for text in _texts(offer.values.get("news_sources")) if "=file:" in text]
    if files:
        raise ConfigRefused(f"a server may not name files of this PC ({files[0][:60]})")
    known = {name: value for name, value in offer.values.items() if name in SETTINGS}
    strange = sorted(set(offer.values) - set(known))
    after = msgspec.structs.replace(choice, offered=known, revision=offer.revision)
    after.effective()
    said = f"revision {offer.revision} of the server"
    return after, said + (f", without {', '.join(strange)[:200]}, unknown to this client" if strange else "")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()

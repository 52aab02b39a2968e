"""The client's settings as one typed value. Nothing secret belongs here: secrets live in the vault."""

import hashlib

import msgspec

from kit.errors import KitError


class ConfigRefused(KitError):
    """The settings can't be used; the text says what to correct."""


class ClientConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the trader may choose."""

    terminal: str = "MetaTrader5"
    """`MetaTrader5` or `mt5sim`."""
    terminal_path: str = ""
    """Full path of terminal64.exe, or of the simulator's JSON file."""
    terminal_clock: str = "ny+7"
    """The broker's clock: `ny+7` or `utc`."""
    symbols: tuple[str, ...] = ()
    """What to stream; empty: all of Market Watch."""
    poll_ms: float = 10.0
    """Pause between two looks for new ticks."""
    first_read_s: int = 300
    """Seconds of history the very first start reads; -1: everything."""
    spool_max_mb: int = 2_048
    """Disk that unsent ticks may take."""
    news_sources: tuple[str, ...] = ()
    """`rss=https://…`, `ff-json=https://…` or `ff-xml=https://…`; empty: nothing is collected."""
    log_level: str = "info"
    """debug, info, warning or error."""


class Version(msgspec.Struct, frozen=True):
    """One version on disk. `checksum` is the SHA-256 of everything else, so a half-written file is noticed."""

    number: int
    at_ms: int
    why: str
    config: ClientConfig
    checksum: str = ""


def checked(config: ClientConfig) -> ClientConfig:
    """The same settings; ConfigRefused lists everything that is wrong with them."""
    mistakes = []
    if config.terminal not in ("MetaTrader5", "mt5sim"):
        mistakes.append(f"terminal is {config.terminal!r}: use MetaTrader5 or mt5sim")
    if config.terminal_clock not in ("ny+7", "utc"):
        mistakes.append(f"terminal_clock is {config.terminal_clock!r}: use ny+7 or utc")
    if not 1 <= config.poll_ms <= 1_000:
        mistakes.append(f"poll_ms is {config.poll_ms}: use 1 to 1000")
    if config.first_read_s < -1:
        mistakes.append("first_read_s: use -1 or more")
    if not 1 <= config.spool_max_mb <= 1_000_000:
        mistakes.append(f"spool_max_mb is {config.spool_max_mb}: use 1 to 1000000")
    if config.log_level not in ("debug", "info", "warning", "error"):
        mistakes.append(f"log_level is {config.log_level!r}: use debug, info, warning or error")
    if any("," in text for text in (*config.symbols, *config.news_sources)):
        mistakes.append("symbols and news_sources: no commas inside of a name")
    if mistakes:
        raise ConfigRefused("the settings can't be used: " + "; ".join(mistakes))
    return config


def sealed(version: Version) -> Version:
    """The version with its checksum."""
    body = msgspec.json.encode(msgspec.structs.replace(version, checksum=""), order="sorted")
    return msgspec.structs.replace(version, checksum=hashlib.sha256(body).hexdigest())


def read(document: bytes) -> Version | None:
    """The version in a document; None when it is torn, changed or not valid."""
    try:
        found = msgspec.json.decode(document, type=Version)
        checked(found.config)
    except (msgspec.DecodeError, UnicodeDecodeError, ConfigRefused):
        return None
    return found if sealed(found).checksum == found.checksum else None

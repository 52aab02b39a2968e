"""The client's settings: one typed value, and a table with the unit, the range and the origin of each."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kit.errors import KitError


class ConfigRefused(KitError):
    """The settings can't be used; the text says which and what to do."""


class ClientConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the trader may choose. Nothing secret belongs here, and no limit of the trader's: those lie in a signed file
    of their own."""

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
    """`NAME:KIND=ADDRESS`, such as `fed:rss=https://…`; empty: nothing is collected."""
    log_level: str = "info"
    """debug, info, warning or error."""
    news_enabled: bool = True
    """The switch for all news sources at once."""
    news_off: tuple[str, ...] = ()
    """Names of news sources that are not asked now."""


class Setting(msgspec.Struct, frozen=True):
    """What is to be known of one setting."""

    says: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    """The only values there are."""
    each: str = ""
    """Regular expression of each member of a list."""
    from_server: bool = False
    """Whether a server may set it. What starts programs or says what time it is stays with the trader."""


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_SYMBOL = r"[A-Za-z0-9._#&+!-]{1,32}"
SETTINGS: dict[str, Setting] = {
    "terminal": Setting("which terminal", words=("MetaTrader5", "mt5sim")),
    "terminal_path": Setting("full path of terminal64.exe, or of the simulator's JSON file"),
    "terminal_clock": Setting("the broker's clock", words=("ny+7", "utc")),
    "symbols": Setting("what to stream; empty: all of Market Watch", each=_SYMBOL, from_server=True),
    "poll_ms": Setting("pause between two looks for new ticks", "ms", 1, 1_000, from_server=True),
    "first_read_s": Setting(
        "history that the very first start reads; -1: everything", "s", -1, 315_360_000, from_server=True
    ),
    "spool_max_mb": Setting("disk that unsent ticks may take", "MB", 1, 1_000_000, from_server=True),
    "news_sources": Setting(
        "where news come from, NAME:KIND=ADDRESS", each=rf"({_NAME}:)?[a-z0-9-]+=(https?://|file:)[^\s,]+",
        from_server=True,
    ),
    "log_level": Setting("how much is logged", words=("debug", "info", "warning", "error"), from_server=True),
    "news_enabled": Setting("whether news are collected at all", from_server=True),
    "news_off": Setting("news sources that are not asked now", each=_NAME, from_server=True),
}  # fmt: skip
""" name -> what is to be known of it; a test holds it against the struct """
MOST_MEMBERS = 1_000
MAX_TEXT = 4_096


def made_of(values: Mapping[str, Any]) -> ClientConfig:
    """Settings of these values, the others as they come. ConfigRefused lists every mistake by name, and what to do."""
    mistakes = [_unknown(name) for name in values if name not in SETTINGS]
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(ClientConfig):
        if field.name not in values:
            continue
        try:
            good[field.name] = msgspec.convert(values[field.name], field.type)
        except msgspec.ValidationError:
            given, wanted = values[field.name], _kind(field.type)
            mistakes.append(f"{field.name} is {str(given)[:60]!r}: give {wanted}{_range(field.name)}")
    config = ClientConfig(**good)
    mistakes += faults(config)
    if mistakes:
        raise ConfigRefused("the settings can't be used: " + "; ".join(mistakes))
    return config


def checked(config: ClientConfig) -> ClientConfig:
    """The same settings; ConfigRefused lists everything that is wrong with them."""
    if mistakes := faults(config):
        raise ConfigRefused("the settings can't be used: " + "; ".join(mistakes))
    return config


def faults(config: ClientConfig) -> list[str]:
    """A sentence for each mistake."""
    found = (_fault(name, setting, getattr(config, name)) for name, setting in SETTINGS.items())
    return [fault for fault in found if fault]


def _fault(name: str, setting: Setting, value: object) -> str:
    if isinstance(value, tuple):
        if len(value) > MOST_MEMBERS:
            return f"{name} has {len(value)} members: use {MOST_MEMBERS} at most"
        wrong = next((text for text in value if not re.fullmatch(setting.each, text) or len(text) > MAX_TEXT), None)
        return "" if wrong is None else f"{name} holds {wrong[:80]!r}: {setting.says}; no commas inside of a name"
    if setting.words and value not in setting.words:
        return f"{name} is {str(value)[:60]!r}: use {_either(setting.words)}"
    if isinstance(value, str):
        return f"{name} is longer than {MAX_TEXT} characters" if len(value) > MAX_TEXT or "\0" in value else ""
    if isinstance(value, int | float) and setting.least is not None and setting.most is not None:
        # written so that a NaN, which is neither less nor more, is outside
        inside = setting.least <= value <= setting.most
        return "" if inside else f"{name} is {value}: use {_range(name).strip(' ,')}"
    return ""


def _range(name: str) -> str:
    setting = SETTINGS[name]
    if setting.words:
        return f", {_either(setting.words)}"
    if setting.least is None or setting.most is None:
        return ""
    return f", {setting.least:.0f} to {setting.most:.0f} {setting.unit}".rstrip()


def _either(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _kind(kind: object) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(kind, "texts, separated by commas")  # type: ignore[call-overload,no-any-return]


def _unknown(name: str) -> str:
    return f"there is no setting {name[:40]!r}: `config show` lists them"


def of_text(name: str, text: str) -> Any:
    """A value as a person types it. ConfigRefused when it is none of this setting."""
    if name not in SETTINGS:
        raise ConfigRefused(_unknown(name))
    kind: Any = next(field.type for field in msgspec.structs.fields(ClientConfig) if field.name == name)
    if kind is bool:
        words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
        if text.lower() not in words:
            raise ConfigRefused(f"{name} is {text[:60]!r}: give true or false")
        return words[text.lower()]
    if kind in (int, float):
        try:
            return msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError:
            raise ConfigRefused(f"{name} is {text[:60]!r}: give {_kind(kind)}{_range(name)}") from None
    return text if kind is str else tuple(part.strip() for part in text.split(",") if part.strip())

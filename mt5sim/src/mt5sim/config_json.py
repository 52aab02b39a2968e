"""Read a terminal configuration from JSON, reporting every wrong key and type at once."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, cast, get_type_hints

from mt5sim.chance import Execution
from mt5sim.config import Account, ConfigError, TerminalConfig
from mt5sim.knobs import Faults
from mt5sim.markets import Generator, Live, Market, Replay
from mt5sim.profiles import BUILT_IN, SymbolProfile

MARKETS: dict[str, type[Market]] = {"generator": Generator, "replay": Replay, "live": Live}
TOP = ("account", "symbols", "market", "clock", "state_file", "conversion", "execution", "faults", "faults_file")


def read_config(path: Path) -> TerminalConfig:
    """Relative paths inside the file are taken from the file's own folder."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot read it as JSON: {error}") from error
    try:
        return parse_config(document, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_config(document: object, folder: Path = Path()) -> TerminalConfig:
    mistakes: list[str] = []
    top = _object(document, "the document", mistakes)
    mistakes += [f"unknown key {key!r}: use {', '.join(TOP)}" for key in top if key not in TOP]
    account = _values(Account, _object(top.get("account", {}), "account", mistakes), "account", mistakes)
    kind, market = _market(_object(top.get("market", {}), "market", mistakes), folder, mistakes)
    execution = _values(Execution, _object(top.get("execution", {}), "execution", mistakes), "execution", mistakes)
    faults = _values(Faults, _object(top.get("faults", {}), "faults", mistakes), "faults", mistakes)
    symbols = _symbols(top.get("symbols", []), mistakes)
    paths = {name: top.get(name) for name in ("state_file", "faults_file")}
    for name, path in paths.items():
        if not isinstance(path, str | None):
            mistakes.append(f"{name}: write a path or leave it out")
    if not isinstance(top.get("clock", ""), str):
        mistakes.append('clock: write "utc", "ny+7" or "eet"')
    conversion = _object(top.get("conversion", {}), "conversion", mistakes)
    if not all(isinstance(rate, int | float) for rate in conversion.values()):
        mistakes.append('conversion: write {"EURUSD": 1.085}')
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return TerminalConfig(
        account=Account(**account),
        symbols=symbols,
        market=kind(**market),
        clock=top.get("clock", "utc"),
        conversion=conversion,
        execution=Execution(**execution),
        faults=faults,
        **{name: None if path is None else folder / path for name, path in paths.items()},
    )


def parse_faults(document: object) -> dict[str, Any]:
    """Knobs by name. Raises ConfigError with every wrong name and type."""
    mistakes: list[str] = []
    values = _values(Faults, _object(document, "faults", mistakes), "faults", mistakes)
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return values


def _object(value: object, where: str, mistakes: list[str]) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    mistakes.append(f"{where}: write a JSON object")
    return {}


def _market(data: Mapping[str, Any], folder: Path, mistakes: list[str]) -> tuple[type[Market], dict[str, Any]]:
    name = data.get("kind", "generator")
    kind = MARKETS.get(name) if isinstance(name, str) else None
    if kind is None:
        mistakes.append(f"market.kind is {name!r}: use {' or '.join(MARKETS)}")
        return Generator, {}
    values = _values(kind, {key: value for key, value in data.items() if key != "kind"}, "market", mistakes)
    if isinstance(values.get("file"), Path):
        values["file"] = folder / values["file"]
    if isinstance(values.get("files"), dict):
        values["files"] = {symbol: folder / path for symbol, path in values["files"].items()}
    return kind, values


def _symbols(data: object, mistakes: list[str]) -> tuple[SymbolProfile, ...]:
    """Each entry is the name of a built-in profile, or an object; `like` names the built-in one it starts from."""
    if not isinstance(data, list):
        mistakes.append("symbols: write a list")
        return ()
    profiles = []
    for entry in data:
        given = {"like": entry, "name": entry} if isinstance(entry, str) else dict(_object(entry, "symbols", mistakes))
        name = given.get("name")
        like = given.pop("like", name if name in BUILT_IN else None)
        model = BUILT_IN.get(str(like))
        if like is not None and model is None:
            mistakes.append(f"symbols: {like!r} is not built in; use {', '.join(BUILT_IN)} or write a full profile")
            continue
        values = _values(SymbolProfile, given, f"symbols.{name}", mistakes, partial=model is not None)
        if mistakes:
            continue
        profiles.append(SymbolProfile(**values) if model is None else replace(model, **values))
    return tuple(profiles)


def _values(
    kind: type[Any], data: Mapping[str, Any], where: str, mistakes: list[str], *, partial: bool = False
) -> dict[str, Any]:
    hints = get_type_hints(kind)
    known = fields(kind)
    optional = {f.name for f in known if f.default is not MISSING or f.default_factory is not MISSING}
    required = [f.name for f in known if f.name not in optional and f.name not in data and not partial]
    mistakes += [f"{where}.{name} is missing" for name in required]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in hints:
            mistakes.append(f"{where}.{key} is unknown: use {', '.join(f.name for f in known)}")
            continue
        converted = _convert(hints[key], value)
        if converted is MISSING:
            mistakes.append(f"{where}.{key} is {value!r}: wrong type")
        values[key] = converted
    return values


def _convert(hint: object, value: object) -> object:
    """The value in the field's type, or MISSING when it does not fit. A JSON 1 is a fine float, `true` is no number."""
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint == Mapping[str, Path]:
        is_paths = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        return {name: Path(path) for name, path in cast("dict[str, str]", value).items()} if is_paths else MISSING
    if hint in (Path, Path | None):
        return Path(value) if isinstance(value, str) else MISSING
    if hint == tuple[str, ...]:
        is_names = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return tuple(cast("list[str]", value)) if is_names else MISSING
    if hint is int and isinstance(value, bool):
        return MISSING
    return value if isinstance(value, cast("type", hint)) else MISSING

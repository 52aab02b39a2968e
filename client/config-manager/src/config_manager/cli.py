"""The config manager's verbs for the desktop: `set DIR` (JSON on standard input), `history DIR`, `rollback DIR N`."""

import sys
import time
from pathlib import Path

import msgspec

from config_manager.adapters.version_files import VersionFiles
from config_manager.domain.client_config import ClientConfig, ConfigRefused, checked
from kit.errors import KitError


def apply(versions: VersionFiles, given: bytes, now_ms: int) -> ClientConfig:
    """The saved settings with the values of a JSON object; saved as a new version when they differ."""
    current = versions.current()
    before = current.config if current else ClientConfig()
    try:
        values = {**msgspec.to_builtins(before), **msgspec.json.decode(given, type=dict[str, object])}
        config = checked(msgspec.convert(values, ClientConfig))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigRefused(f"the settings can't be used: {error}") from None
    if not config.terminal_path:
        raise ConfigRefused("the terminal is not known yet: give --terminal-path with the full path of terminal64.exe")
    if current is None or current.config != config:
        versions.save(config, "given on the command line", now_ms)
    return config


def main(arguments: list[str]) -> int:
    """0 fine, 2 refused; the reason stands on standard error."""
    try:
        verb, directory, *rest = arguments
        versions, now_ms = VersionFiles(Path(directory)), time.time_ns() // 1_000_000
        if verb == "set" and not rest:
            print(msgspec.json.encode(apply(versions, sys.stdin.buffer.read(), now_ms)).decode())
        elif verb == "history" and not rest:
            for version in versions.all():
                print(f"{version.number}\t{version.at_ms}\t{version.why}")
        elif verb == "rollback":
            version = versions.roll_back(int(rest[0]), now_ms)
            print(f"version {version.number}: {version.why}; it is used from the next start on")
        else:
            raise ValueError("unknown verb")
    except (ValueError, IndexError):
        print("usage: python -m config_manager set|history DIR, or rollback DIR NUMBER", file=sys.stderr)
        return 2
    except (KitError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0

"""The config manager's verbs for the desktop, each with the directory of the versions; it speaks to a person."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from client_security.adapters.private_file import write_private
from client_security.vaults import vault_in
from config_manager.adapters.secret_box import SecretBox
from config_manager.adapters.version_files import VersionFiles
from config_manager.domain.client_config import SETTINGS, ClientConfig, ConfigRefused, of_text
from config_manager.domain.versions import Choice
from config_manager.routes import view_of
from kit.errors import KitError

USAGE = """usage: python -m config_manager VERB DIR …
  set DIR                  values as a JSON object on standard input; prints all of them
  show DIR                 every setting, and where its value comes from
  change DIR NAME=VALUE …  lists are separated by commas
  reset DIR NAME …         as it comes
  keep DIR NAME …          your own value wins over the server's
  follow DIR NAME …        the server's value wins, when it offers one
  secret DIR NAME          seal the line on standard input; after a first line with the vault key, where one is piped
  forget DIR NAME          a secret
  history DIR, rollback DIR NUMBER, backup DIR FILE, restore DIR FILE"""
LATER = "it is used from the next start on"


def apply(versions: VersionFiles, given: bytes, now_ms: int) -> ClientConfig:
    """The saved settings with the values of a JSON object; saved as a new version when they differ."""
    try:
        values = msgspec.json.decode(given, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"the settings can't be used: {error}") from None

    def change(now: Choice) -> tuple[Choice, str]:
        after = replace(now, local={**now.local, **values})
        if not after.effective().terminal_path:
            raise ConfigRefused(
                "the terminal is not known yet: give --terminal-path with the full path of terminal64.exe"
            )
        return after, "given on the command line"

    versions.change(change, now_ms)
    current = versions.current()
    assert current is not None, "it was just saved"
    return current.config


def _named(names: list[str]) -> list[str]:
    for name in names:
        if name not in SETTINGS:
            raise ConfigRefused(f"there is no setting {name[:40]!r}: `config show` lists them")
    if not names:
        raise IndexError("no name")
    return names


def _change(versions: VersionFiles, now_ms: int, words: list[str]) -> None:
    pairs = [word.partition("=") for word in words]
    if not pairs or not all(equals for _, equals, _ in pairs):
        raise IndexError("no pair")
    values = {name: of_text(name, text) for name, _, text in pairs}
    _save(versions, now_ms, lambda now: (replace(now, local={**now.local, **values}), "changed " + ", ".join(values)))
    current = versions.current()
    for name in values:
        if current is not None and current.choice.origin(name) == "server":
            revision = current.choice.revision
            print(f"{name} comes from the server (revision {revision}): `config keep {name}` makes yours win")


def _save(versions: VersionFiles, now_ms: int, change: Callable[[Choice], tuple[Choice, str]]) -> None:
    version = versions.change(change, now_ms)
    print("nothing changed" if version is None else f"version {version.number}: {version.why}; {LATER}")


def _show(versions: VersionFiles) -> None:
    current = versions.current()
    if current is None:
        raise ConfigRefused("no settings were saved yet; start the client with `aitrading-client run`")
    shown = view_of(current, versions.damaged())
    print(f"version {shown.number}: {shown.why}" + (f"; server's revision {shown.revision}" if shown.revision else ""))
    for each in shown.settings:
        value = ", ".join(each.value) if isinstance(each.value, tuple) else str(each.value)
        origin = each.origin + (", kept" if each.kept else "")
        print(f"{each.name:<16} {value + (' ' + each.unit if each.unit else ''):<28} {origin:<14} {each.says}")
    for name in shown.secrets:
        print(f"{name:<16} {'(sealed)':<28} yours")
    for name in shown.damaged:
        print(f"damaged and set aside: {versions.directory / name}", file=sys.stderr)


def _secret(versions: VersionFiles, now_ms: int, name: str) -> None:
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or len(name) > 64:
        raise ConfigRefused("a secret's name has up to 64 letters, digits, dots, dashes or underscores")
    lines = sys.stdin.buffer.read(16_384).decode().splitlines()
    key = bytes.fromhex(lines[0]) if len(lines) > 1 else b""
    box = SecretBox(vault_in(versions.directory.parent, key=key))
    sealed = box.seal(name, lines[-1] if lines else "")
    _save(versions, now_ms, lambda now: (replace(now, secrets={**now.secrets, name: sealed}), f"sealed {name}"))


def _reset(versions: VersionFiles, now_ms: int, words: list[str]) -> None:
    names = _named(words)

    def change(now: Choice) -> tuple[Choice, str]:
        local = {name: value for name, value in now.local.items() if name not in names}
        return replace(now, local=local), f"reset {', '.join(names)}"

    _save(versions, now_ms, change)


def _keep(versions: VersionFiles, now_ms: int, words: list[str], *, keeps: bool = True) -> None:
    names = set(_named(words))

    def change(now: Choice) -> tuple[Choice, str]:
        kept = set(now.kept) | names if keeps else set(now.kept) - names
        why = f"{'yours' if keeps else 'the server'} wins: {', '.join(sorted(names))}"
        return replace(now, kept=tuple(sorted(kept))), why

    _save(versions, now_ms, change)


def _forget(versions: VersionFiles, now_ms: int, words: list[str]) -> None:
    def change(now: Choice) -> tuple[Choice, str]:
        secrets = {name: sealed for name, sealed in now.secrets.items() if name != words[0]}
        return replace(now, secrets=secrets), f"forgot {words[0]}"

    _save(versions, now_ms, change)


def _history(versions: VersionFiles) -> None:
    for version in versions.all():
        print(f"{version.number}\t{version.at_ms}\t{version.why}")


def _roll_back(versions: VersionFiles, now_ms: int, words: list[str]) -> None:
    version = versions.roll_back(int(words[0]), now_ms)
    print(f"version {version.number}: {version.why}; {LATER}")


def _backup(versions: VersionFiles, file: str) -> None:
    write_private(Path(file).absolute(), versions.backup())
    print(f"{file}: {len(versions.all())} version(s); secrets in it open on this PC only")


def _restore(versions: VersionFiles, now_ms: int, file: str) -> None:
    box = SecretBox(vault_in(versions.directory.parent))

    def opens(name: str, sealed: str) -> bool:
        try:
            return box.open(name, sealed) is not None
        except KitError:
            return False

    version, said = versions.restore(Path(file).read_bytes(), now_ms, opens)
    print(f"version {version.number}: {version.why}; {LATER}{said}")


Verb = Callable[[VersionFiles, int, list[str]], None]
VERBS: dict[str, Verb] = {
    "set": lambda versions, now_ms, _: print(
        msgspec.json.encode(apply(versions, sys.stdin.buffer.read(), now_ms)).decode()
    ),
    "show": lambda versions, _, __: _show(versions),
    "change": _change,
    "reset": _reset,
    "keep": _keep,
    "follow": lambda versions, now_ms, words: _keep(versions, now_ms, words, keeps=False),
    "secret": lambda versions, now_ms, words: _secret(versions, now_ms, words[0]),
    "forget": _forget,
    "history": lambda versions, _, __: _history(versions),
    "rollback": _roll_back,
    "backup": lambda versions, _, words: _backup(versions, words[0]),
    "restore": lambda versions, now_ms, words: _restore(versions, now_ms, words[0]),
}


def main(arguments: list[str]) -> int:
    """0 fine, 2 refused; the reason stands on standard error."""
    try:
        verb, directory, *rest = arguments
        VERBS[verb](VersionFiles(Path(directory)), time.time_ns() // 1_000_000, rest)
    except (ValueError, LookupError):
        print(USAGE, file=sys.stderr)
        return 2
    except (KitError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0

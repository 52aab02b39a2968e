"""`aitrading-client config …`: the settings of this PC, done by the config manager's own program."""

import argparse
import subprocess
import sys
from pathlib import Path

from desktop.asking import passphrase_options, secret
from desktop.vault_cli import papers_of

CONFIG_DIR = "config"
VERBS = {
    "show": "every setting, its unit, and whether it is yours, the server's or as it comes",
    "change": "NAME=VALUE …; lists are separated by commas",
    "reset": "NAME …: as it comes",
    "keep": "NAME …: your own value wins over the server's",
    "follow": "NAME …: the server's value wins, when it offers one",
    "secret": "NAME: seal a value with the vault; it is asked for, never given on the command line",
    "forget": "NAME: a secret",
    "backup": "FILE: all versions; secrets in it open on this PC only",
    "restore": "FILE: the newest version of a backup, as a new version",
}


def add_config(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    """Add `config` to the command line; what is returned still needs `--data`."""
    config = verbs.add_parser("config", help="the settings of this PC; your limits are none of them")
    inner = config.add_subparsers(dest="config_verb", required=True)
    made = []
    for name, says in VERBS.items():
        verb = inner.add_parser(name, help=says)
        if name != "show":
            verb.add_argument("words", nargs="+" if name in ("change", "reset", "keep", "follow") else 1)
        passphrase_options(verb)
        made.append(verb)
    return made


def run_config(options: argparse.Namespace) -> int:
    """The config manager's own exit code: 0 done, 2 refused."""
    data: Path = options.data.expanduser().absolute()
    words = getattr(options, "words", [])
    given = b""
    if options.config_verb == "secret":
        key = papers_of(options).vault.unlocked_key()  # over a pipe, seen by its two ends only
        given = key.hex().encode() + b"\n" + secret(words[0]).encode() + b"\n"
    files = [str(Path(word).expanduser().absolute()) for word in words]
    words = files if options.config_verb in ("backup", "restore") else words
    command = [sys.executable, "-m", "config_manager", options.config_verb, str(data / CONFIG_DIR), *words]
    return subprocess.run(command, input=given, check=False).returncode  # noqa: S603 our own program

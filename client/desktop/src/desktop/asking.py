"""Ask the person for a secret: on the terminal, from a file or a file descriptor; never from the command line or the
environment, where other programs can read it."""

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from kit.errors import KitError

MOST_CHARACTERS = 4_096


def passphrase_options(verb: argparse.ArgumentParser) -> None:
    """Where the vault's passphrase comes from, for vaults that have one."""
    source = verb.add_mutually_exclusive_group()
    source.add_argument("--passphrase-file", type=Path, metavar="FILE", help="read the vault's passphrase from a file")
    source.add_argument("--passphrase-fd", type=int, metavar="N", help="read it from this open file descriptor")


def passphrase_from(options: argparse.Namespace, *, new: bool) -> Callable[[], str]:
    """A function that gets the passphrase when it is needed; a `new` one is typed twice."""

    def ask() -> str:
        if options.passphrase_file is not None:
            return _first_line(options.passphrase_file.read_bytes())
        if options.passphrase_fd is not None:
            with os.fdopen(options.passphrase_fd, "rb") as source:
                return _first_line(source.read(MOST_CHARACTERS))
        if not sys.stdin.isatty():
            raise KitError("the vault needs its passphrase: start at a terminal, or use --passphrase-file or -fd")
        given = getpass.getpass("New passphrase of the vault: " if new else "Passphrase of the vault: ")
        if new and getpass.getpass("Once more: ") != given:
            raise KitError("the two were not the same; nothing was changed")
        return given

    return ask


def secret(what: str) -> str:
    """Typed without being shown; one line of standard input where nobody types. KitError when it is empty."""
    given = getpass.getpass(f"{what}: ") if sys.stdin.isatty() else _first_line(sys.stdin.buffer.readline())
    if not given:
        raise KitError(f"no {what} was given; nothing was changed")
    return given


def _first_line(data: bytes) -> str:
    return data.decode(errors="replace").splitlines()[0] if data else ""

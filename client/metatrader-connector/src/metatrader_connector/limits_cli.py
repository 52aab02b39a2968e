"""`python -m metatrader_connector limits`: show, set and confirm the trader's own limits, on this PC only."""

import argparse
import getpass
import os
import sys
from pathlib import Path

import msgspec

from client_security.adapters.papers import Papers
from client_security.adapters.private_file import write_private
from client_security.lifespan import VAULT_KEY_FIRST
from client_security.vaults import vault_in
from kit.errors import KitError
from metatrader_connector.adapters import identity_file, named_terminal
from metatrader_connector.adapters.halt_file import HaltFile
from metatrader_connector.adapters.limits_file import document_of, limits_of
from metatrader_connector.domain import halt
from metatrader_connector.domain.identity import strayed
from metatrader_connector.domain.limits import Limits, changed_by, differences

FILE = "limits.json"


def main(arguments: list[str]) -> int:
    """0 done; 1 not confirmed, or refused with a sentence."""
    top = argparse.ArgumentParser(
        prog="aitrading-client limits", description="Your own limits. No server changes them."
    )
    verbs = top.add_subparsers(dest="verb", required=True)
    show = verbs.add_parser("show", help="what counts now")
    change = verbs.add_parser("set", help="change some: NAME=VALUE, lists separated by commas")
    change.add_argument("values", nargs="+", metavar="NAME=VALUE")
    confirm = verbs.add_parser("confirm", help="let the file count as it is now")
    confirm.add_argument("--yes", action="store_true", help="do not ask")
    stop = verbs.add_parser("halt", help="stop all orders at once; needs no server and no running client")
    stop.add_argument("--allow-closing", action="store_true", help="orders that close a position still go out")
    resume = verbs.add_parser("resume", help="let orders go out again")
    account = verbs.add_parser("account", help="agree to trade the account that MT5 shows now")
    account.add_argument("--yes", action="store_true", help="do not ask")
    symbol = verbs.add_parser("symbol", help="say which symbol of the broker is meant: NAME=BROKERNAME")
    symbol.add_argument("pairs", nargs="+", metavar="NAME=BROKERNAME")
    for verb in (show, change, confirm, stop, resume, account, symbol):
        verb.add_argument("--data", type=Path, required=True, help="the client's data directory")
    options = top.parse_args(arguments)
    if options.verb in WITHOUT_VAULT:
        return WITHOUT_VAULT[options.verb](options)
    # the desktop has opened the vault already: its key comes over a pipe, seen by its two ends only
    key = bytes.fromhex(sys.stdin.readline().strip()) if os.environ.get(VAULT_KEY_FIRST) == "1" else b""
    papers = Papers(vault_in(options.data, lambda: getpass.getpass("Passphrase of the vault: "), key))
    try:
        return {"show": _show, "set": _set, "confirm": _confirm}[options.verb](options, papers)
    except (KitError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _state(options: argparse.Namespace, papers: Papers) -> tuple[Limits, Limits, bytes]:
    """(what is confirmed, what the file says, the file)."""
    confirmed = papers.confirmed_limits()
    before = limits_of(confirmed) if confirmed else Limits()
    path = options.data / FILE
    document = path.read_bytes() if path.exists() else document_of(before)
    return before, limits_of(document), document


def _show(options: argparse.Namespace, papers: Papers) -> int:
    before, found, document = _state(options, papers)
    print(document_of(before).decode(), end="")
    if document != papers.confirmed_limits():
        print("The file says otherwise and does not count: " + ("; ".join(differences(before, found)) or "its layout"))
    return 0


def _set(options: argparse.Namespace, papers: Papers) -> int:
    before, _, _ = _state(options, papers)
    after = changed_by(before, dict(text.partition("=")[::2] for text in options.values))
    document = document_of(after)
    write_private(options.data / FILE, document)
    papers.confirm_limits(document)
    print("; ".join(differences(before, after)) or "Nothing changed.")
    return 0


def _confirm(options: argparse.Namespace, papers: Papers) -> int:
    before, found, document = _state(options, papers)
    print("; ".join(differences(before, found)) or "The file says what counted before.")
    if not options.yes and input("Let this count from now on? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing is traded until the file is confirmed or put back.")
        return 1
    papers.confirm_limits(document)
    print(msgspec.json.encode(found).decode())
    return 0


def _halt(options: argparse.Namespace) -> int:
    HaltFile(options.data / halt.FILE).stop(halt.CLOSING + b"\n" if options.allow_closing else b"all\n")
    left = "only orders that close a position go out" if options.allow_closing else "no order goes out"
    print(f"Stopped: {left} until `aitrading-client limits resume`. Open positions stay as they are.")
    return 0


def _resume(options: argparse.Namespace) -> int:
    print("Orders go out again." if HaltFile(options.data / halt.FILE).resume() else "Trading was not stopped.")
    return 0


def _account(options: argparse.Namespace) -> int:
    path = options.data / identity_file.FILE
    try:
        found = identity_file.read(path)
    except (OSError, ValueError) as error:
        print(f"{path} can't be read: {error}", file=sys.stderr)
        return 1
    if found is None:
        print("No account was seen yet: start the client and let MT5 log in.")
        return 1
    if not (why := strayed(found.agreed, found.seen)):
        print(f"Account {found.seen.login} at {found.seen.server} is the one you trade.")
        return 0
    print(why)
    if not options.yes and input("Trade this account from now on? [y/N] ").strip().lower() not in ("y", "yes"):
        return 1
    identity_file.agree(path)
    return 0


def _symbol(options: argparse.Namespace) -> int:
    path = options.data / named_terminal.FILE
    try:
        pairs = dict(text.strip().partition("=")[::2] for text in options.pairs)
        if not all(name and theirs for name, theirs in pairs.items()):
            raise ValueError("write NAME=BROKERNAME, such as EURUSD=EURUSD.pro")
        answers = named_terminal.answers_in(path) | pairs
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    named_terminal.keep_answers(path, answers)
    print("; ".join(f"{name} is {theirs}" for name, theirs in pairs.items()))
    return 0


WITHOUT_VAULT = {"halt": _halt, "resume": _resume, "account": _account, "symbol": _symbol}
"""Verbs that must work when nothing else does."""

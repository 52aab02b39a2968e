"""`aitrading-client vault …`, `pins` and `doctor`: look after the vault, and say what protects this program."""

import argparse
import sys
import time
from pathlib import Path

from client_security.adapters.papers import SETTABLE, Papers
from client_security.app import AUDIT_FILE, AuditFile
from client_security.vaults import KINDS, best_kind, vault_in
from desktop.asking import passphrase_from, passphrase_options, secret
from kit.errors import KitError


def add_verbs(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> list[argparse.ArgumentParser]:
    """Add `vault` and `doctor` to the command line; what is returned still needs `--data`."""
    vault = verbs.add_parser("vault", help="look after the secrets of this PC")
    inner = vault.add_subparsers(dest="vault_verb", required=True)
    made = [
        inner.add_parser("status", help="who keeps the key, and which secrets there are; no values"),
        inner.add_parser("verify", help="open the vault and check every record of the audit log"),
        inner.add_parser("accept", help="believe an older copy of the vault that you put back on purpose"),
    ]
    rotate = inner.add_parser("rotate", help="seal everything with new keys; stop the client first")
    rotate.add_argument("--keeper", choices=KINDS[1:], help="let another one keep the key from now on")
    put = inner.add_parser("set", help="put a secret in; it is asked for, never given on the command line")
    put.add_argument("name", choices=SETTABLE)
    drop = inner.add_parser("remove", help="take such a secret out")
    drop.add_argument("name", choices=SETTABLE)
    pins = verbs.add_parser("pins", help="take a newer set of the server's pinned keys, signed by its rotation key")
    pins.add_argument("file", type=Path, help="`pins.json` from the server's `terminal pins`")
    doctor = verbs.add_parser("doctor", help="look at everything that can be wrong on this PC, and say what to do")
    doctor.add_argument("--json", action="store_true")
    made += [rotate, put, drop, pins, doctor]
    for verb in made:
        passphrase_options(verb)
    return made


def papers_of(options: argparse.Namespace, *, new: bool = False) -> Papers:
    """The vault of the data directory; its passphrase is asked for where it has one."""
    return Papers(vault_in(options.data.expanduser().absolute(), passphrase_from(options, new=new)))


def chosen_keeper(choice: str) -> str:
    """The kind of keeper for a first vault. A weak one is called by its name."""
    kind = best_kind() if choice == "auto" else choice
    if kind == "file" and choice == "auto":
        print(
            "this machine has no keyring: the vault's key lies in a file beside it, the weakest choice. "
            "`aitrading-client vault rotate --keeper passphrase` makes it stronger",
            file=sys.stderr,
        )
    return kind


def run_vault(options: argparse.Namespace) -> int:
    """0 done, 2 refused, 1 something was found that is wrong."""
    papers = papers_of(options)
    vault = papers.vault
    verb = options.vault_verb
    if verb == "status":
        return _status(papers)
    if verb == "verify":
        return _verify(options, papers)
    if verb == "accept":
        print(f"this copy is believed from now on; it is version {vault.accept()}")
    elif verb == "rotate":
        # a new passphrase is asked for the new key; the old one was needed to open the vault
        if (options.keeper or vault.status().keeper) == "passphrase":
            print("the passphrase stays the same when the vault has one already", file=sys.stderr)
        vault.rotate(options.keeper or "")
        print(f"everything is sealed with new keys, kept by: {vault.status().keeper}")
    elif verb == "set":
        vault.update({options.name: secret(options.name).encode()})
        print(f"{options.name} is in the vault. No program is given it: MT5 signs in by itself with what it keeps")
    else:
        vault.update({options.name: None})
        print(f"{options.name} is no longer in the vault")
    return 0


def _status(papers: Papers) -> int:
    found = papers.vault.status()
    print(f"vault     {papers.vault.path}")
    print(f"key       kept by {found.keeper}: {found.protects}")
    print(f"version   {found.version}; remembered in {', '.join(found.counters)}")
    print(f"writes    {found.writes} under the present data key, replaced after 65536")
    print(f"secrets   {', '.join(found.entries) or 'none'}")
    return 0


def _verify(options: argparse.Namespace, papers: Papers) -> int:
    entries = papers.vault.entries()
    print(f"vault      whole, {len(entries)} secret(s)")
    head = papers.audit_head()
    try:
        count = AuditFile(options.data / AUDIT_FILE, papers).count()
    except KitError as error:
        print(f"audit log  DAMAGED: {error}")
        return 1
    noted = "no head was noted yet" if head is None else f"the vault remembers record {head.index}"
    print(f"audit log  {count} record(s), every hash fits; {noted}")
    return 0


def run_pins(options: argparse.Namespace) -> int:
    """Take a set of pins by hand: where the client could not get it from the server itself."""
    now_ms = time.time_ns() // 1_000_000
    taken = papers_of(options).take_pins(options.file.read_bytes(), now_ms)
    print(f"pins of version {taken.version} are in use from the next start on")
    return 0

"""`aitrading-client setup`: takes a person, or a file of answers, from an enrolment to a terminal that is ready."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from client_security.adapters.papers import Papers
from client_security.domain.enrolment import Enrolment, EnrolmentRefused, parse
from client_security.domain.vault_format import VaultRefused
from client_security.lifespan import VAULT_KEY_FIRST
from client_security.membership import Membership
from client_security.vaults import KINDS
from desktop.asking import passphrase_options
from desktop.config_cli import CONFIG_DIR
from desktop.health import ask
from desktop.plan import CONNECTOR, INHERITED, State
from desktop.questions import Aborted, MissingAnswer, Questions, answers_of, person
from desktop.setup_steps import LIMITS, Look, Saved, Setup
from desktop.terminals import found_terminals, usual_module
from desktop.vault_cli import chosen_keeper, papers_of
from kit.clock import SystemClock
from kit.errors import KitError

STATE_FILE = "client.json"
LOOK_S = 240.0
"""A first start of MT5 takes up to 110 s, its login 60 s."""
ANSWERS = ("enrolment", "server", "fingerprint", "terminal", "terminal_path", "account", "symbols",
           *(name for name, _, _ in LIMITS))  # fmt: skip


def add_setup(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add `setup`; what is returned still needs `--data`."""
    setup = verbs.add_parser("setup", help="take this PC from an enrolment to a terminal that is ready, step by step")
    for name in ANSWERS:
        setup.add_argument(f"--{name.replace('_', '-')}", metavar="ANSWER", help="answer this question beforehand")
    setup.add_argument("--answers", type=Path, metavar="FILE", help="answers as a JSON object of names and texts")
    setup.add_argument("--keeper", choices=KINDS, default="auto", help="who keeps the key of a first vault")
    passphrase_options(setup)
    return setup


class ThisPc:
    """Implements setup_steps.Pc. `world`: the environment."""

    def __init__(self, data: Path, papers: Papers, keeper: str, world: Mapping[str, str]) -> None:
        self.data, self.papers, self.keeper, self.world = data, papers, keeper, world

    def running(self) -> str:
        """See Pc."""
        try:
            state = msgspec.json.decode((self.data / STATE_FILE).read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            return ""
        if not ask(self.data, CONNECTOR, state.ports.get(CONNECTOR, 0)).dependencies:
            return ""  # its last run ended without a word
        return "the client is running: stop it first"

    def read_enrolment(self, path: Path) -> Enrolment:
        """See Pc."""
        try:
            return parse(path.read_bytes())
        except OSError as error:
            raise EnrolmentRefused(f"the file {path} can't be read: {error.strerror or error}") from None

    def enrolled(self) -> Enrolment | None:
        """See Pc."""
        if not self.papers.vault.exists():
            return None
        try:
            return self.papers.enrolment()
        except (EnrolmentRefused, VaultRefused) as error:
            if self.papers.vault.entry("enrolment") is None:
                return None
            raise KitError(str(error)) from None

    def keep_enrolment(self, path: Path) -> None:
        """See Pc."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.papers.vault.exists()
        self.papers.import_enrolment(path, self.keeper if made else chosen_keeper(self.keeper))

    def joined(self) -> str:
        """See Pc."""
        found = self.papers.membership() if self.papers.vault.exists() else None
        return "" if found is None else found.terminal

    def join(self) -> str:
        """See Pc."""
        return asyncio.run(self._join())

    async def _join(self) -> str:
        membership = Membership(self.papers, self.papers.vault.path.parent, SystemClock())
        return (await membership.ticket()).terminal

    def terminals(self) -> list[Path]:
        """See Pc."""
        return found_terminals(self.world)

    def look(self, terminal: str, path: str, symbols: tuple[str, ...], volume: float) -> Look:
        """See Pc."""
        return look_at(self.data, self.world, terminal, path, symbols, volume)

    def saved(self) -> Saved:
        """See Pc."""
        try:
            said = msgspec.json.decode(self._config("set", b"{}"), type=Saved)
        except KitError:  # nothing was saved yet
            said = Saved()
        try:
            document = msgspec.json.decode((self.data / "limits.json").read_bytes(), type=dict[str, object])
        except (OSError, msgspec.DecodeError):
            document = {}
        known = {name: str(document[name]) for name, _, _ in LIMITS if name in document}
        return msgspec.structs.replace(said, limits=known)

    def keep_settings(self, values: Mapping[str, object]) -> None:
        """See Pc."""
        self._config("set", msgspec.json.encode(values))

    def keep_limits(self, values: Mapping[str, str]) -> None:
        """See Pc."""
        pairs = [f"{name}={text}" for name, text in values.items()]
        key = self.papers.vault.unlocked_key().hex().encode() + b"\n"  # over a pipe, seen by its two ends only
        self._program("metatrader_connector", "limits", "set", *pairs, "--data", str(self.data), given=key)

    def _config(self, verb: str, given: bytes) -> bytes:
        return self._program("config_manager", verb, str(self.data / CONFIG_DIR), given=given)

    def _program(self, *words: str, given: bytes) -> bytes:
        return program_said(self.world, LOOK_S, *words, given=given)


def look_at(
    data: Path, world: Mapping[str, str], terminal: str, path: str, symbols: tuple[str, ...] = (), volume: float = -1.0
) -> Look:
    """One look through a terminal process of its own; trouble is in the answer. The client must not be running."""
    words = ["metatrader_connector", "look", "--data", str(data), "--terminal", terminal, "--path", path]
    try:
        said = program_said(world, LOOK_S, *words, "--symbols", ",".join(symbols), "--volume", str(volume))
        return msgspec.json.decode(said.strip().splitlines()[-1], type=Look)
    except (KitError, msgspec.DecodeError, IndexError) as error:
        return Look(str(error) or "the terminal was not seen")


def program_said(world: Mapping[str, str], within_s: float, *words: str, given: bytes = b"") -> bytes:
    """What one of the client's programs says; KitError with its words when it refuses or takes too long."""
    environment = {name: world[name] for name in INHERITED if name in world} | {VAULT_KEY_FIRST: "1"}
    try:
        done = subprocess.run(  # noqa: S603 our own program
            [sys.executable, "-m", *words], input=given, capture_output=True, check=False, timeout=within_s,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise KitError(f"{words[0]} did not answer within {within_s:g} s") from None
    if done.returncode != 0:
        raise KitError(done.stderr.decode(errors="replace").strip() or f"{words[0]} ended with {done.returncode}")
    return done.stdout


def run_setup(options: argparse.Namespace, world: Mapping[str, str]) -> int:
    """0 ready; 1 set up, and something is left to be done by hand; 2 left, or refused: nothing half-done stays."""
    data: Path = options.data.expanduser().absolute()
    given = answers_of(options.answers, {name: getattr(options, name) for name in ANSWERS})
    if unknown := sorted(set(given) - set(ANSWERS)):
        raise KitError(f"there is no question called {unknown[0]}: the answers are {', '.join(ANSWERS)}")
    papers = papers_of(options, new=not (data / "secrets" / "vault.bin").exists())
    read = None if options.answers is not None else person()
    questions = Questions(given, read, lambda line: print(line, flush=True))
    try:
        left = Setup(ThisPc(data, papers, options.keeper, world), questions, usual_module()).run()
    except (Aborted, MissingAnswer) as error:
        print(f"\n{error}. What was done stays done; `aitrading-client setup` goes on from there.", file=sys.stderr)
        return 2
    print("\nThis PC is set up. Nothing was traded.")
    for each in left:
        print(f"  still to do: {each}")
    print("Next: `aitrading-client run` starts the client; `status` and `doctor` say how it is.")
    return 1 if left else 0

"""The guided set-up: each step is done and kept before the next begins, so leaving it never leaves half of one.

Whoever starts it again is taken to the first step that is not done. Nothing here can send an order.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Protocol

import msgspec

from client_security.domain.enrolment import Enrolment
from desktop.questions import TRIES, Aborted, Questions, Wrong, yes
from desktop.terminals import PROGRAM, advice
from kit.errors import KitError

LEAST_FINGERPRINT = 12
"""Characters of the fingerprint that must be given: 72 bits nobody meets by trying."""
PREFIX = "sha256/"
MODULES = ("MetaTrader5", "mt5sim")
LIMITS: tuple[tuple[str, str, str], ...] = (
    ("max_volume_per_order", "Most lots in one order", "1.00"),
    ("max_volume_total", "Most lots open at once", "10.00"),
    ("max_loss_per_day", "Most loss in a day, in the account's currency (0: no limit)", "0"),
    ("orders_per_minute", "Most orders in a minute", "30"),
)
""" name of the limit, what to ask, what it is unless the trader says otherwise """


class Symbol(msgspec.Struct, frozen=True):
    """One symbol in a look; see the connector's `look`."""

    wanted: str
    name: str = ""
    candidates: tuple[str, ...] = ()
    rehearsed: str = ""
    volume: float = 0.0
    margin: float = 0.0


class Look(msgspec.Struct, frozen=True):
    """What the connector's `look` has seen of a terminal."""

    trouble: str = ""
    terminal: str = ""
    build: int = 0
    simulated: bool = False
    login: int = 0
    server: str = ""
    company: str = ""
    currency: str = ""
    kind: str = ""
    balance: float = 0.0
    causes: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    watched: tuple[str, ...] = ()


class Saved(msgspec.Struct, frozen=True):
    """What an earlier set-up has kept; empty texts where nothing was."""

    terminal: str = ""
    terminal_path: str = ""
    symbols: tuple[str, ...] = ()
    limits: dict[str, str] = {}


class Pc(Protocol):
    """What the set-up does to this PC. Every change is whole or not there."""

    def running(self) -> str:
        """Why nothing may be set up now; empty when it may."""
        ...

    def read_enrolment(self, path: Path) -> Enrolment:
        """Look at an enrolment file; nothing is kept. KitError says what is wrong."""
        ...

    def enrolled(self) -> Enrolment | None:
        """The enrolment in the vault."""
        ...

    def keep_enrolment(self, path: Path) -> None:
        """Put it into the vault."""
        ...

    def joined(self) -> str:
        """This PC's name at the server; empty before it has joined."""
        ...

    def join(self) -> str:
        """Join; the name. OSError: not now; KitError: never with this enrolment."""
        ...

    def terminals(self) -> list[Path]:
        """Every terminal64.exe that was found."""
        ...

    def look(self, terminal: str, path: str, symbols: tuple[str, ...], volume: float) -> Look:
        """See the terminal; with a volume that is not negative orders are checked and not sent."""
        ...

    def saved(self) -> Saved:
        """What is kept already."""
        ...

    def keep_settings(self, values: Mapping[str, object]) -> None:
        """A new version of the settings. KitError when they can't be used."""
        ...

    def keep_limits(self, values: Mapping[str, str]) -> None:
        """Set and confirm the trader's limits. KitError says which can't be used."""
        ...


@dataclass(slots=True)
class Setup:
    """`run()` takes a person through it. Raises Aborted (with how to go on), MissingAnswer or KitError."""

    pc: Pc
    questions: Questions
    usual: str
    """`MetaTrader5` or `mt5sim`, which is asked for first."""

    def run(self) -> list[str]:
        """What is still to be done by hand; empty when orders could go out."""
        if why := self.pc.running():
            raise Aborted(why)
        self._enrol()
        self._join()
        terminal, path, look = self._terminal()
        symbols = self._symbols(terminal, path, look)
        self.pc.keep_settings({"terminal": terminal, "terminal_path": path, "symbols": list(symbols)})
        self._limits(symbols, look.currency)
        return self._rehearse(terminal, path, symbols)

    def _title(self, number: int, text: str) -> None:
        self.questions.say(f"\nStep {number} of 6: {text}")

    def _enrol(self) -> None:
        self._title(1, "the server")
        known = self.pc.enrolled()
        if known is not None and (self.pc.joined() or known.join_token) and "enrolment" not in self.questions.given:
            self.questions.say(f"This PC is enrolled for account {known.account} at {known.server}.")
            return

        def judge(text: str) -> tuple[Path, Enrolment]:
            path = Path(text.strip('"')).expanduser()
            if not text or not path.is_file():
                raise Wrong(f"There is no file {text or 'without a name'}: give the full path of the enrolment file.")
            try:
                found = self.pc.read_enrolment(path)
            except KitError as error:
                raise Wrong(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
            if not found.join_token:
                raise Wrong("This enrolment was used before: ask your server's operator for a new one.")
            return path, found

        path, enrolment = self.questions.ask("enrolment", "Path of the enrolment file of your server", judge)
        self.questions.ask("server", "Address of your server", _same_server(enrolment), enrolment.server)
        self.questions.say(
            "The file says whom this PC will believe. Ask the server's operator for the fingerprint that `aitrading "
            "terminal add` showed, by telephone or in person, not by the way the file came."
        )
        self.questions.ask("fingerprint", f"The fingerprint, at least {LEAST_FINGERPRINT} characters", _pin(enrolment))
        self.questions.say(f"The fingerprint fits: {enrolment.pins[0]}")
        self.pc.keep_enrolment(path)

    def _join(self) -> None:
        self._title(2, "joining the server")
        if name := self.pc.joined():
            self.questions.say(f"This PC has joined already, as {name}.")
            return
        for left in reversed(range(TRIES)):
            try:
                self.questions.say(
                    f"Joined, as {self.pc.join()}. The file's one-time token is used up; delete the file."
                )
                return
            except OSError as error:
                self.questions.say(f"The server was not reached: {error}.")
                if not left or not self.questions.ask("again", "Try again?", yes, "no"):
                    raise Aborted("the server was not reached") from None
        raise Aborted("the server was not reached")

    def _terminal(self) -> tuple[str, str, Look]:
        self._title(3, "the terminal")
        saved = self.pc.saved()
        kind = self.questions.ask(
            "terminal", "MetaTrader5, or mt5sim (simulated)", _module, saved.terminal or self.usual
        )
        listed = self.pc.terminals() if kind == "MetaTrader5" else []
        for number, program in enumerate(listed, 1):
            self.questions.say(f"  {number}  {program}")
        default = saved.terminal_path if saved.terminal == kind else ""
        default = default or ("1" if listed else "")
        account = (self.pc.enrolled() or _never()).account

        def judge(text: str) -> tuple[str, Look]:
            path = _path_of(text, listed, kind)
            self.questions.say("Looking at the terminal; a start of MT5 may take two minutes …")
            look = self.pc.look(kind, path, (), -1.0)
            if look.trouble:
                raise Wrong(f"{advice(look.trouble)}.")
            if str(look.login) != account:
                raise Wrong(
                    f"MT5 is logged in to account {look.login} at {look.server}, and this PC is enrolled for "
                    f"{account}: log in to that one in MT5 (File, Login to Trade Account), or ask for an enrolment "
                    "for the other."
                )
            return path, look

        what = (
            "Number, or full path of terminal64.exe" if kind == "MetaTrader5" else "Path of the simulator's JSON file"
        )
        path, look = self.questions.ask("terminal_path", what, judge, default or None)
        self.questions.say(
            f"Account {look.login} at {look.server} ({look.company}): {look.kind}, "
            f"balance {look.balance:.2f} {look.currency}; {look.terminal} build {look.build}"
            + (", simulated prices" if look.simulated else "")
        )
        if not self.questions.ask("account", "Is this the account to trade?", yes, "yes"):
            raise Aborted("you said that this is another account: log in to the right one in MT5")
        return kind, path, look

    def _symbols(self, terminal: str, path: str, look: Look) -> tuple[str, ...]:
        self._title(4, "the symbols")
        if look.watched:
            self.questions.say(f"In Market Watch: {', '.join(look.watched)}")
        saved = self.pc.saved()

        def judge(text: str) -> tuple[str, ...]:
            wanted = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
            if text.casefold() == "all":
                return ()
            if not wanted:
                raise Wrong("Name at least one symbol, or say all for all of Market Watch.")
            seen = self.pc.look(terminal, path, wanted, -1.0)
            if seen.trouble:
                raise Wrong(f"{advice(seen.trouble)}.")
            for each in seen.symbols:
                if each.candidates:
                    raise Wrong(f"Several symbols could be {each.wanted}: write {' or '.join(each.candidates)}.")
                if not each.name:
                    raise Wrong(f"The broker has no symbol {each.wanted}: write it as Market Watch shows it.")
            return wanted

        default = ",".join(saved.symbols) or ("all" if saved.terminal else ",".join(look.watched[:4]) or "all")
        return self.questions.ask("symbols", "Symbols, separated by commas, or all", judge, default)

    def _limits(self, symbols: tuple[str, ...], currency: str) -> None:
        self._title(5, "your own limits, which no server can change")
        saved = self.pc.saved().limits
        for left in reversed(range(TRIES)):
            values = {
                name: self.questions.ask(name, question.replace("the account's currency", currency), _number, shown)
                for name, question, usual in LIMITS
                for shown in (saved.get(name, usual),)
            }
            try:
                self.pc.keep_limits({**values, "symbols": ",".join(symbols) or "*"})
                return
            except KitError as error:
                self.questions.say(f"{error}.")
                if not left or self.questions.read is None:
                    raise Aborted(f"the limits can't be used: {error}") from None

    def _rehearse(self, terminal: str, path: str, symbols: tuple[str, ...]) -> list[str]:
        self._title(6, "a test order that is checked and not sent")
        chosen = symbols or self.pc.look(terminal, path, (), -1.0).watched[:1]
        seen = self.pc.look(terminal, path, chosen, 0.0)
        if seen.trouble:
            return [advice(seen.trouble)]
        for each in seen.symbols:
            if not each.rehearsed and each.volume:
                self.questions.say(
                    f"{each.name}: MT5 would take {each.volume:g} lots; margin {each.margin:.2f} {seen.currency}"
                )
        refused = [f"{each.name}: {each.rehearsed}" for each in seen.symbols if each.rehearsed]
        return [*seen.causes, *refused]


def _never() -> Enrolment:
    raise KitError("this PC is not enrolled")


def _same_server(enrolment: Enrolment) -> Callable[[str], str]:
    def judge(text: str) -> str:
        given = text.strip().rstrip("/").removesuffix("/terminal")
        known = enrolment.server.removesuffix("/terminal")
        if given.removeprefix("wss://") != known.removeprefix("wss://"):
            raise Wrong(f"The enrolment is for {enrolment.server}: give that address, or the file of the other server.")
        return enrolment.server

    return judge


def _pin(enrolment: Enrolment) -> Callable[[str], str]:
    known = enrolment.pins[0].removeprefix(PREFIX)

    def judge(text: str) -> str:
        given = text.strip().removeprefix(PREFIX)
        if len(given) < LEAST_FINGERPRINT:
            raise Wrong(f"Give at least {LEAST_FINGERPRINT} characters of the fingerprint.")
        if not hmac.compare_digest(given.encode(), known[: len(given)].encode()):
            raise Wrong(
                "This is not the fingerprint of the file. When it is typed right, the file is not your server's: "
                "do not use it."
            )
        return known

    return judge


def _module(text: str) -> str:
    for name in MODULES:
        if text.casefold() in (name.casefold(), name[-3:].casefold()):
            return name
    raise Wrong("Write MetaTrader5 or mt5sim.")


def _path_of(text: str, listed: list[Path], kind: str) -> str:
    if text.isdigit() and 1 <= int(text) <= len(listed):
        return str(listed[int(text) - 1])
    if not text or text.isdigit():
        raise Wrong("Give one of the numbers, or a full path.")
    path = Path(text.strip('"')).expanduser()
    if path.is_dir() and kind == "MetaTrader5":
        path = path / PROGRAM
    if not path.is_file():
        raise Wrong(f"There is no file {path}.")
    return str(path.absolute())


def _number(text: str) -> str:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise Wrong(f"{text or 'Nothing'} is no number: write it like 0.5.") from None
    if not value.is_finite() or value < 0:
        raise Wrong(f"{text} can't be a limit: write 0 or more.")
    return f"{value:f}"

"""Ask a person one question at a time: a wrong answer gets a sentence and another try, and there is an end to it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from kit.errors import KitError

TRIES = 3
LEAVE = ("quit", "exit", "q")
T = TypeVar("T")


class Wrong(Exception):
    """An answer can't be used; the text is a sentence for the person."""


class Aborted(KitError):
    """The person left, or too many answers were wrong. What was done stands; the text says how to go on."""


class MissingAnswer(KitError):
    """Nobody can be asked, and the answers hold none for this question."""


Read = Callable[[str], str]
"""Shows the words and gives back the line; EOFError when nobody is there."""


@dataclass(slots=True)
class Questions:
    """`given`: answers of the command line and of a file, by name; they are not asked for. `read` None: nobody is."""

    given: Mapping[str, str]
    read: Read | None
    say: Callable[[str], None]
    used: set[str] = field(default_factory=set)

    def ask(self, name: str, question: str, judge: Callable[[str], T], default: str | None = None) -> T:
        """What `judge` makes of the answer; it raises Wrong with a sentence. Aborted, MissingAnswer."""
        if name in self.given and name not in self.used:
            self.used.add(name)  # a second time it is the person's turn, or the end
            try:
                return judge(self.given[name].strip())
            except Wrong as wrong:
                if self.read is None:
                    raise Aborted(f"{name}: {wrong}") from None
                self.say(str(wrong))
        if self.read is None:
            if default is None:
                raise MissingAnswer(f"nobody can be asked here, and there is no answer called {name} ({question})")
            try:
                return judge(default)
            except Wrong as wrong:
                raise Aborted(f"{name}: {wrong}") from None
        shown = f"{question} [{default}]: " if default else f"{question}: "
        for _ in range(TRIES):
            try:
                text = self.read(shown).strip() or (default or "")
            except EOFError:
                raise Aborted("you left the setup") from None
            if text.casefold() in LEAVE:
                raise Aborted("you left the setup")
            try:
                return judge(text)
            except Wrong as wrong:
                self.say(str(wrong))
        raise Aborted(f"that was the {TRIES}rd answer that can't be used")


def answers_of(path: Path | None, flags: Mapping[str, str | None]) -> dict[str, str]:
    """Answers of a JSON file (names and texts), those of the command line before them. KitError says what is wrong."""
    found: dict[str, str] = {}
    if path is not None:
        try:
            found = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except OSError as error:
            raise KitError(f"the answers {path} can't be read: {error.strerror or error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise KitError(f'the answers {path} are not JSON such as {{"symbols": "EURUSD"}} ({error})') from None
    return {**found, **{name: text for name, text in flags.items() if text is not None}}


def yes(text: str) -> bool:
    """Yes or no; Wrong otherwise."""
    if text.casefold() in ("y", "yes"):
        return True
    if text.casefold() in ("n", "no"):
        return False
    raise Wrong("Please answer yes or no.")


def person() -> Read | None:
    """Reads from the terminal; None where nobody sits."""
    return input if sys.stdin is not None and sys.stdin.isatty() else None

"""The terminal under our own names of symbols: whatever the broker calls them stays on this side of the port."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from client_security.adapters.private_file import write_private
from metatrader_connector.domain.symbol_names import Question, names_of
from metatrader_connector.domain.terminal import (
    DealFacts,
    Findings,
    Listed,
    Opened,
    OrderFacts,
    Picture,
    PositionFacts,
    RangeRead,
    Request,
    Sent,
    SymbolFacts,
    TickRead,
)
from metatrader_connector.ports import Terminal

FILE = "symbols.json"
Row = TypeVar("Row", PositionFacts, OrderFacts, DealFacts)


def answers_in(path: Path) -> dict[str, str]:
    """name -> the broker's name, as found before or as a person said. ValueError: the file can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}


def keep_answers(path: Path, answers: dict[str, str]) -> None:
    """On disk when this returns."""
    write_private(path, msgspec.json.format(msgspec.json.encode(answers, order="sorted"), indent=2) + b"\n")


class NamedTerminal:
    """Implements ports.Terminal around another one. `questions` is what a person has to answer."""

    def __init__(self, terminal: Terminal, path: Path) -> None:
        self._terminal = terminal
        self._path = path
        self._names: dict[str, str] = {}
        """ our name -> the broker's, where they differ """
        self._ours: dict[str, str] = {}
        """ the other way round """
        self._mark: tuple[int, int, int] | None = None
        self._looked: tuple[int, tuple[str, ...], tuple[int, int, int] | None] | None = None
        """ session, unknown names and state of the file when the broker's whole list was last searched """
        self.questions: tuple[Question, ...] = ()

    def theirs(self, name: str) -> str:
        """The broker's name of a symbol."""
        return self._names.get(name, name)

    def ours(self, name: str) -> str:
        """Our name of a symbol of the broker."""
        return self._ours.get(name, name)

    @property
    def opened(self) -> Opened | None:
        """None while it is down."""
        return self._terminal.opened

    @property
    def session(self) -> int:
        """Rises with every new start."""
        return self._terminal.session

    @property
    def trouble(self) -> str:
        """Why it is down."""
        return self._terminal.trouble

    async def ready(self) -> Opened:
        """Wait until the terminal is open."""
        return await self._terminal.ready()

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read."""
        if self._names:
            reads = tuple(TickRead(self._names.get(r.symbol, r.symbol), r.from_s, r.count) for r in reads)
        return await self._terminal.ticks(reads)

    async def ticks_range(self, read: RangeRead) -> bytes | None:
        """Packed rows between two broker seconds."""
        name = self._names.get(read.symbol, read.symbol)
        return await self._terminal.ticks_range(RangeRead(name, read.from_s, read.to_s))

    async def hours(self, symbol: str) -> tuple[int, ...]:
        """When the bars of an hour opened in about a year."""
        return await self._terminal.hours(self._names.get(symbol, symbol))

    async def listed(self) -> tuple[Listed, ...]:
        """Every symbol of the broker, as the broker calls it."""
        return await self._terminal.listed()

    async def picture(self, symbols: tuple[str, ...]) -> Picture:
        """Account and symbols; names the broker does not have are looked for in its whole list."""
        self._reread(symbols)
        found = await self._terminal.picture(self._asked(symbols))
        unknown = tuple(self._ours.get(name, name) for name in found.unknown)
        if not unknown:
            self.questions = ()
        elif self._looked != (key := (self.session, unknown, self._mark)):
            self._looked = key
            if self._resolve(unknown, await self._terminal.listed()):
                found = await self._terminal.picture(self._asked(symbols))
        return msgspec.structs.replace(
            found,
            positions=self._rows(found.positions),
            symbols=tuple(self._renamed(facts) for facts in found.symbols),
            unknown=tuple(self._ours.get(name, name) for name in found.unknown),
        )

    def _asked(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._names.get(name, name) for name in symbols)

    def _reread(self, symbols: tuple[str, ...]) -> None:
        """An answer that a person gave counts from the next look on."""
        try:
            about = self._path.stat()
            mark = (about.st_mtime_ns, about.st_size, about.st_ino)
        except FileNotFoundError:
            return
        if mark == self._mark:
            return
        try:
            answers = answers_in(self._path)
        except ValueError:
            return  # torn by hand; what counted before goes on counting
        self._mark = mark
        self._learn({name: answers[name] for name in symbols if name in answers})

    def _learn(self, found: dict[str, str]) -> None:
        self._names |= found
        self._ours = {theirs: ours for ours, theirs in self._names.items()}

    def _resolve(self, unknown: Sequence[str], listed: Sequence[Listed]) -> bool:
        answers = answers_in(self._path)
        names = names_of(unknown, listed, answers)
        self.questions = names.questions
        if names.found:
            self._learn(names.found)
            keep_answers(self._path, answers | names.found)
        return bool(names.found)

    def _renamed(self, facts: SymbolFacts) -> SymbolFacts:
        ours = self._ours.get(facts.name)
        return facts if ours is None else msgspec.structs.replace(facts, name=ours)

    def _rows(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        if not self._ours:
            return rows
        return tuple(msgspec.structs.replace(row, symbol=self._ours.get(row.symbol, row.symbol)) for row in rows)

    async def send(self, request: Request) -> Sent:
        """One market order under the broker's name."""
        if (name := self._names.get(request.symbol)) is not None:
            request = msgspec.structs.replace(request, symbol=name)
        sent = await self._terminal.send(request)
        return msgspec.structs.replace(sent, deals=self._rows(sent.deals)) if self._ours else sent

    async def search(self, from_s: int, to_s: int) -> Findings:
        """All that could be an order's trace, under our names."""
        found = await self._terminal.search(from_s, to_s)
        return Findings(
            found.connected,
            self._rows(found.positions),
            self._rows(found.orders),
            self._rows(found.history),
            self._rows(found.deals),
        )

    async def result(self, from_s: int, to_s: int) -> float:
        """What trading earned between two broker times."""
        return await self._terminal.result(from_s, to_s)

    async def remove(self, ticket: int) -> int:
        """Take back what rests of an order."""
        return await self._terminal.remove(ticket)

"""The parent's side of the terminal process: a queue by urgency, a deadline per call, kill and restart on a hang."""

import asyncio
import contextlib
import heapq
import itertools
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from kit import log
from kit.backoff import Backoff
from metatrader_connector.domain.terminal import (
    CONNECTION_LOST,
    OTHER_TERMINAL,
    AccountLook,
    Call,
    Checked,
    DealFacts,
    Findings,
    Launch,
    Listed,
    Opened,
    OrderFacts,
    Picture,
    PositionFacts,
    RangeRead,
    Rehearsal,
    Reply,
    Request,
    Sent,
    SymbolFacts,
    SymbolLook,
    TickRead,
)
from metatrader_connector.ports import NotSent, TerminalDown

T = TypeVar("T")
ORDERS, CHANGES, LOOKS, TICKS, HISTORY = range(5)
"""Who goes first: orders, changes of orders, looks at account and books, live ticks, and history last. A call that is
under way is never interrupted, so every read is cut into pieces."""
WATCHED_FOR_S = 60.0
"""So long the list of Market Watch counts: MT5 gives it only with all it knows of every symbol of the broker."""
HANGS_IN_A_ROW = 3
BARS_AT_ONCE, YEAR_BARS = 500, 6_500
_log = log.get("terminal")
_encode = msgspec.msgpack.encode


class _Said(TerminalDown):
    """The terminal did answer: with an error. For an order this means that `order_send` was not reached."""


@dataclass(order=True)
class _Waiting:
    urgency: int
    order: int
    method: str = field(compare=False)
    argument: bytes = field(compare=False)
    deadline_s: float = field(compare=False)
    done: "asyncio.Future[msgspec.Raw]" = field(compare=False)
    begun: bool = field(compare=False, default=False)


Spawn = Callable[[], Awaitable[asyncio.subprocess.Process]]


class TerminalClient:
    """Implements ports.Terminal. Run `run()` as a task; it starts the process, and starts it again when it hangs."""

    def __init__(self, launch: Launch, call_s: float = 10.0, send_s: float = 30.0) -> None:
        self._launch = launch
        self._call_s, self._send_s = call_s, send_s
        self._queue: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._open = asyncio.Event()
        self._numbers = itertools.count(1)
        self.opened: Opened | None = None
        self.session = 0
        self.restarts = 0
        self.trouble = "the terminal was not started yet"
        self.process: asyncio.subprocess.Process | None = None
        self._watched: tuple[int, float, tuple[str, ...]] = (0, 0.0, ())
        """ session, when it was read, names in Market Watch """
        self._hangs = 0

    async def run(self) -> None:
        """Keep the terminal open until cancelled."""
        delays = Backoff(0.2, 15.0).delays()
        try:
            while True:
                try:
                    await self._start()
                    delays = Backoff(0.2, 15.0).delays()
                    await self._work()
                except TerminalDown as error:
                    self.trouble = self._advice(str(error))
                    _log.warning("terminal_down", reason=self.trouble, restarts=self.restarts)
                finally:
                    self._end(self.trouble)
                self.restarts += 1
                await asyncio.sleep(next(delays))
        finally:
            await self._kill()

    def _advice(self, reason: str) -> str:
        """A new process of ours does not help a terminal that hangs itself: then a person has to."""
        return f"{reason}; MT5 hangs, close it and start it again" if self._hangs >= HANGS_IN_A_ROW else reason

    async def _start(self) -> None:
        await self._kill()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "metatrader_connector.terminal_process",
            msgspec.json.encode(self._launch).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        opening = _Waiting(ORDERS, 0, "open", b"\xc0", self._launch.open_timeout_ms / 1000 + 110, _future())
        await self._call(opening)
        if (error := opening.done.exception()) is not None:
            raise TerminalDown(str(error))
        self.opened = msgspec.msgpack.decode(opening.done.result(), type=Opened)
        self.session += 1
        self.trouble = ""
        self._open.set()
        _log.info("terminal_open", name=self.opened.name, build=self.opened.build, simulated=self.opened.simulated)

    async def _work(self) -> None:
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            waiting = heapq.heappop(self._queue)
            if not waiting.done.done():  # its asker may have given up
                await self._call(waiting)

    async def _call(self, waiting: _Waiting) -> None:
        """One round trip. Raises TerminalDown when the process must be replaced; the asker is told in any case."""
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise TerminalDown("the terminal process is not running")
        waiting.begun = True
        frame = _encode(Call(waiting.order, waiting.method, msgspec.Raw(waiting.argument)))
        try:
            process.stdin.write(len(frame).to_bytes(4, "little") + frame)
            async with asyncio.timeout(waiting.deadline_s):
                size = int.from_bytes(await process.stdout.readexactly(4), "little")
                reply = msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Reply)
        except TimeoutError:
            self._hangs += 1
            error: TerminalDown = TerminalDown(
                f"the terminal did not answer {waiting.method} within {waiting.deadline_s:g} s"
            )
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            code = process.returncode
            error = TerminalDown(f"the terminal process ended during {waiting.method}" + (f" ({code})" if code else ""))
        else:
            self._hangs = 0
            if reply.error == 0:
                _settle(waiting.done, reply.result)
                return
            error = _Said(f"MT5 says {reply.error}: {reply.text}")
            _settle(waiting.done, error)
            if reply.error not in CONNECTION_LOST and reply.error != OTHER_TERMINAL:
                return
        _settle(waiting.done, error)
        raise error

    def _end(self, reason: str) -> None:
        self.opened = None
        self._open.clear()
        for waiting in self._queue:
            _settle(waiting.done, TerminalDown(reason))
        self._queue.clear()

    async def _kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, urgency: int, method: str, argument: object, kind: Any, deadline_s: float) -> Any:
        if self.opened is None:
            raise TerminalDown(self.trouble or "the terminal is being started")
        waiting = _Waiting(urgency, next(self._numbers), method, _encode(argument), deadline_s, _future())
        heapq.heappush(self._queue, waiting)
        self._wake.set()
        try:
            return msgspec.msgpack.decode(await waiting.done, type=kind)
        except TerminalDown as error:
            if not waiting.begun or isinstance(error, _Said):
                raise NotSent(str(error)) from None
            raise

    async def ready(self) -> Opened:
        """Wait until the terminal is open."""
        while self.opened is None:
            await self._open.wait()
        return self.opened

    async def _read(self, urgency: int, method: str, argument: object, kind: Any) -> Any:
        try:
            return await self._ask(urgency, method, argument, kind, self._call_s)
        except NotSent as error:
            raise TerminalDown(str(error)) from None

    async def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows for each read, fetched in pieces."""
        found: tuple[bytes | None, ...] = ()
        while len(found) < len(reads):
            found += await self._read(TICKS, "ticks", reads[len(found) :], tuple[bytes | None, ...])
        return found

    async def ticks_range(self, read: RangeRead) -> bytes | None:
        """Packed rows between two broker seconds."""
        found: bytes | None = await self._read(HISTORY, "ticks_range", read, bytes | None)
        return found

    async def picture(self, symbols: tuple[str, ...]) -> Picture:
        """Account, terminal, positions and symbols, fetched in pieces."""
        look: AccountLook = await self._read(LOOKS, "account", None, AccountLook)
        names = symbols or await self.watched()
        facts: tuple[SymbolFacts, ...] = ()
        unknown: tuple[str, ...] = ()
        while len(facts) + len(unknown) < len(names):
            rest = names[len(facts) + len(unknown) :]
            piece: SymbolLook = await self._read(LOOKS, "symbols", rest, SymbolLook)
            facts, unknown = facts + piece.symbols, unknown + piece.unknown
        return Picture(look.account, look.terminal, look.positions, facts, unknown)

    async def watched(self) -> tuple[str, ...]:
        """Names of the symbols in Market Watch, at most a minute old."""
        session, read_s, names = self._watched
        now_s = asyncio.get_running_loop().time()
        if session != self.session or now_s - read_s > WATCHED_FOR_S:
            names = await self._read(LOOKS, "watched", None, tuple[str, ...])
            self._watched = (self.session, now_s, names)
        return names

    async def listed(self) -> tuple[Listed, ...]:
        """Every symbol of the broker; a long read."""
        found: tuple[Listed, ...] = await self._read(HISTORY, "listed", None, tuple[Listed, ...])
        return found

    async def hours(self, symbol: str) -> tuple[int, ...]:
        """When the bars of an hour opened in about a year, oldest first; a long read, in pieces."""
        found: tuple[int, ...] = ()
        while len(found) < YEAR_BARS:
            at = (symbol, len(found), BARS_AT_ONCE)
            older: tuple[int, ...] = await self._read(HISTORY, "hours", at, tuple[int, ...])
            found = older + found
            if len(older) < BARS_AT_ONCE:
                break
        return found

    async def search(self, from_s: int, to_s: int) -> Findings:
        """All that could be an order's trace, one kind after the other: an order in between goes first.

        Every part must succeed: a failed query is not an empty answer.
        """
        period = (from_s, to_s)
        before = await self._read(LOOKS, "connected", None, bool)
        positions = await self._read(LOOKS, "positions", None, tuple[PositionFacts, ...])
        orders = await self._read(LOOKS, "orders", None, tuple[OrderFacts, ...])
        history = await self._read(LOOKS, "history", period, tuple[OrderFacts, ...])
        deals = await self._read(LOOKS, "deals", period, tuple[DealFacts, ...])
        after = await self._read(LOOKS, "connected", None, bool)
        return Findings(before and after, positions, orders, history, deals)

    async def result(self, from_s: int, to_s: int) -> float:
        """What trading earned between two broker times."""
        found: float = await self._read(LOOKS, "result", (from_s, to_s), float)
        return found

    async def rehearse(self, wanted: Rehearsal) -> Checked:
        """What the terminal would say to an order; nothing is sent."""
        found: Checked = await self._read(LOOKS, "rehearse", wanted, Checked)
        return found

    async def send(self, request: Request) -> Sent:
        """One `order_send`. TerminalDown: unknown whether it was executed. NotSent: certainly not."""
        if self.opened is None:
            raise NotSent(self.trouble or "the terminal is being started")
        sent: Sent = await self._ask(ORDERS, "send", request, Sent, self._send_s)
        return sent

    async def remove(self, ticket: int) -> int:
        """Take back what rests of an order; the retcode, 0 without an answer."""
        found: int = await self._ask(CHANGES, "remove", ticket, int, self._send_s)
        return found


def _future() -> "asyncio.Future[msgspec.Raw]":
    return asyncio.get_running_loop().create_future()


def _settle(done: "asyncio.Future[msgspec.Raw]", outcome: msgspec.Raw | TerminalDown) -> None:
    if done.done():
        return
    if isinstance(outcome, TerminalDown):
        done.set_exception(outcome)
        done.exception()  # an asker that has gone must not make asyncio complain
    else:
        done.set_result(outcome)

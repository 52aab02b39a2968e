"""The terminal's own process: the only file that imports `MetaTrader5`, one call at a time, no threads, no loop.

The package never releases the interpreter's lock and knows no time limits, so a call that hangs freezes its whole
process. The parent therefore sets the limit and kills this process. Frames on standard input and output: four bytes of
length, little-endian, then a MessagePack `Call` or `Reply`.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from kit.clock import boot_ns
from metatrader_connector.domain.terminal import (
    OTHER_ACCOUNT,
    AccountFacts,
    Call,
    DealFacts,
    Findings,
    Launch,
    Opened,
    OrderFacts,
    Picture,
    PositionFacts,
    Reply,
    Request,
    Sent,
    SymbolFacts,
    TerminalFacts,
    TickRead,
    held_back,
)

MODULES = ("MetaTrader5", "mt5sim")
LOCK_WAIT_S = 5.0
MAX_MESSAGE = 64 * 1024 * 1024
NOT_FOUND = -4

F = TypeVar("F", bound=msgspec.Struct)


class Fault(Exception):
    """A call failed; `error` is MT5's last_error code."""

    def __init__(self, error: tuple[int, str]) -> None:
        super().__init__(error[1])
        self.error = error


def facts(kind: type[F], source: Any) -> F:
    """The fields of `kind` out of one of MT5's result structures."""
    return kind(*[getattr(source, name) for name in kind.__struct_fields__])


class Worker:
    """Answers calls with MT5's functions. `path` is always given: without it the package picks any terminal."""

    def __init__(self, module: Any, path: str, open_timeout_ms: int) -> None:
        self.mt5 = module
        self.path = path
        self.open_timeout_ms = open_timeout_ms
        self.methods: dict[str, tuple[Any, Callable[[Any], object]]] = {
            "open": (None, lambda _: self.open()),
            "ticks": (tuple[TickRead, ...], self.ticks),
            "picture": (tuple[str, ...], self.picture),
            "send": (Request, self.send),
            "search": (tuple[int, int], lambda period: self.search(*period)),
        }

    def _must(self, value: Any) -> Any:
        if value is None or value is False:
            raise Fault(self.mt5.last_error())
        return value

    def open(self) -> Opened:
        """Connect. The broker's password stays with the terminal: none is passed."""
        if not self.mt5.initialize(path=self.path, timeout=self.open_timeout_ms):
            raise Fault(self.mt5.last_error())
        info = self._must(self.mt5.terminal_info())
        report = getattr(self.mt5, "replay_report", None)
        return Opened(info.name, info.company, info.build, report is not None, bool(report and report()))

    def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows; None for a symbol the terminal does not have."""
        found: list[bytes | None] = []
        for read in reads:
            rows = self.mt5.copy_ticks_from(read.symbol, read.from_s, read.count, self.mt5.COPY_TICKS_ALL)
            if rows is None:
                error = self.mt5.last_error()
                if error[0] < -4:  # -1, -2 and -4 are about this symbol; the rest is about the connection
                    raise Fault(error)
                found.append(None)
                continue
            found.append(rows.tobytes())
        return tuple(found)

    def picture(self, names: tuple[str, ...]) -> Picture:
        """Account, terminal, positions, symbols. Named symbols are put into Market Watch first."""
        infos, unknown = [], []
        for name in names:
            info = self.mt5.symbol_info(name)
            if info is not None and not info.select and self.mt5.symbol_select(name, True):
                info = self.mt5.symbol_info(name)
            if info is None:
                error = self.mt5.last_error()
                if error[0] != NOT_FOUND:
                    raise Fault(error)
                unknown.append(name)
            else:
                infos.append(info)
        if not names:
            infos = [info for info in self._must(self.mt5.symbols_get()) if info.select]
        return Picture(
            facts(AccountFacts, self._must(self.mt5.account_info())),
            facts(TerminalFacts, self._must(self.mt5.terminal_info())),
            self._all(PositionFacts, self.mt5.positions_get()),
            tuple(facts(SymbolFacts, info) for info in infos),
            tuple(unknown),
        )

    def _all(self, kind: type[F], rows: Iterable[Any] | None) -> tuple[F, ...]:
        return tuple(facts(kind, row) for row in self._must(rows))

    def search(self, from_s: int, to_s: int) -> Findings:
        """Positions, orders, history. Every part must succeed: a failed query is not an empty answer."""
        before = self._must(self.mt5.terminal_info()).connected
        positions = self._all(PositionFacts, self.mt5.positions_get())
        orders = self._all(OrderFacts, self.mt5.orders_get())
        history = self._all(OrderFacts, self.mt5.history_orders_get(from_s, to_s))
        deals = self._all(DealFacts, self.mt5.history_deals_get(from_s, to_s))
        after = self._must(self.mt5.terminal_info()).connected
        return Findings(bool(before and after), positions, orders, history, deals)

    def send(self, request: Request) -> Sent:
        """`order_send`, once, with the newest quote as price. Never raises after the order may have left."""
        mt5 = self.mt5
        tick = mt5.symbol_info_tick(request.symbol)
        if tick is None:
            raise Fault(mt5.last_error())
        price = tick.ask if request.type == mt5.ORDER_TYPE_BUY else tick.bid
        order = {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": request.symbol,
            "volume": request.volume,
            "type": request.type,
            "price": float(price),
            "sl": request.sl,
            "tp": request.tp,
            "deviation": request.deviation,
            "magic": request.magic,
            "comment": request.comment,
            "type_time": mt5.ORDER_TIME_GTC,
            "type_filling": request.type_filling,
            "position": request.position,
        }
        if request.login and (account := self._must(mt5.account_info())).login != request.login:
            text = f"MT5 was logged in to account {account.login} meanwhile; the order is for {request.login}"
            return Sent(0, 0, 0, 0.0, 0.0, "", OTHER_ACCOUNT, text, 0, 0, tick.time_msc, ())
        sent_ms, sent_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        if held := held_back(request, price, sent_ms, boot_ns()):
            return Sent(0, 0, 0, 0.0, 0.0, "", *held, 0, 0, tick.time_msc, ())
        # keywords, never a positional dict: the package refuses that one whenever a wrapper added an empty **kwargs
        result = mt5.order_send(**order)
        if result is None:
            error, text = mt5.last_error()
            return Sent(0, 0, 0, 0.0, 0.0, "", error, text, sent_ms, sent_ns, tick.time_msc, ())
        deals = mt5.history_deals_get(ticket=result.order) if result.order else None
        return Sent(
            result.retcode,
            result.deal,
            result.order,
            result.volume,
            result.price,
            result.comment,
            0,
            "",
            sent_ms,
            sent_ns,
            tick.time_msc,
            tuple(facts(DealFacts, deal) for deal in deals or ()),
        )

    def answer(self, call: Call) -> Reply:
        """Do one call; MT5's failures are replies, a bug in here is not caught and ends the process."""
        kind, method = self.methods[call.method]
        try:
            result = method(None if kind is None else msgspec.msgpack.decode(call.argument, type=kind))
        except Fault as fault:
            return Reply(call.id, fault.error[0] or -1, fault.error[1])
        return Reply(call.id, 0, "", msgspec.Raw(msgspec.msgpack.encode(result)))


def hold_alone(path: Path) -> BinaryIO:
    """Hold the lock file; a terminal process that was left behind (its parent was killed) is ended first.

    Two processes must never speak to one terminal: the older one could still be sending an order while the younger
    looks for it and finds nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _try_lock(file):
        if time.monotonic() > deadline:
            file.seek(0)
            left_behind = file.read(16).strip()
            if left_behind.isdigit():
                os.kill(int(left_behind), 9)
            deadline = time.monotonic() + LOCK_WAIT_S
        time.sleep(0.02)
    file.seek(0)
    file.truncate()
    file.write(b"%d\n" % os.getpid())
    file.flush()
    return file


def _try_lock(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(64)  # a byte behind the process id, which stays readable for others
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(stream: BinaryIO, size: int) -> bytes | None:
    data = stream.read(size)
    return data if len(data) == size else None


def serve(worker: Worker, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer calls until the parent hangs up."""
    decoder, encoder = msgspec.msgpack.Decoder(Call), msgspec.msgpack.Encoder()
    while (head := _read(incoming, 4)) is not None:
        size = int.from_bytes(head, "little")
        if size > MAX_MESSAGE or (body := _read(incoming, size)) is None:
            return
        reply = encoder.encode(worker.answer(decoder.decode(body)))
        outgoing.write(len(reply).to_bytes(4, "little") + reply)
        outgoing.flush()


def main() -> int:
    """Run with one argument: a `Launch` as JSON."""
    launch = msgspec.json.decode(sys.argv[1].encode(), type=Launch)
    if launch.module not in MODULES:
        print(f"the terminal module must be one of {', '.join(MODULES)}", file=sys.stderr)
        return 2
    # frames own the real standard output; whatever a library prints goes to standard error
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = hold_alone(Path(launch.lock))
    try:
        module = importlib.import_module(launch.module)
    except ImportError as error:
        print(f"cannot import {launch.module}: {error}. MetaTrader5 needs Windows", file=sys.stderr)
        return 3
    with lock:
        serve(Worker(module, launch.path, launch.open_timeout_ms), sys.stdin.buffer, outgoing)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the terminal's process does with MT5's functions: reads in short pieces, and one order at a time, once."""

import ntpath
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kit.clock import boot_ns
from metatrader_connector.domain.halt import halted
from metatrader_connector.domain.terminal import (
    HALTED,
    OTHER_ACCOUNT,
    OTHER_TERMINAL,
    AccountFacts,
    AccountLook,
    Call,
    Checked,
    DealFacts,
    Launch,
    Listed,
    Opened,
    OrderFacts,
    PositionFacts,
    RangeRead,
    Rehearsal,
    Reply,
    Request,
    Sent,
    SymbolFacts,
    SymbolLook,
    TerminalFacts,
    TickRead,
    held_back,
)
from metatrader_connector.failpoints import Failpoint, never

NOT_FOUND = -4
INVALID_FILL = 10030
PIECE_S = 0.002
"""A read of several symbols stops after about so long: an order waits for no more than one piece."""
BALANCE_DEALS = 2
"""Deals of this type and above move money in and out of the account; those below are trades."""

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

    def __init__(self, module: Any, launch: Launch, failpoint: Failpoint = never) -> None:
        self.mt5 = module
        self.launch = launch
        self.failpoint = failpoint
        self.methods: dict[str, tuple[Any, Callable[[Any], object]]] = {
            "open": (None, lambda _: self.open()),
            "ticks": (tuple[TickRead, ...], self.ticks),
            "ticks_range": (RangeRead, self.ticks_range),
            "account": (None, lambda _: self.account()),
            "watched": (None, lambda _: self.watched()),
            "listed": (None, lambda _: self.listed()),
            "symbols": (tuple[str, ...], self.symbols),
            "hours": (tuple[str, int, int], lambda at: self.hours(*at)),
            "connected": (None, lambda _: self.connected()),
            "positions": (None, lambda _: self._all(PositionFacts, self.mt5.positions_get())),
            "orders": (None, lambda _: self._all(OrderFacts, self.mt5.orders_get())),
            "history": (tuple[int, int], lambda at: self._all(OrderFacts, self.mt5.history_orders_get(*at))),
            "deals": (tuple[int, int], lambda at: self._all(DealFacts, self.mt5.history_deals_get(*at))),
            "result": (tuple[int, int], self.result),
            "rehearse": (Rehearsal, self.rehearse),
            "send": (Request, self.send),
            "remove": (int, self.remove),
        }

    def _must(self, value: Any) -> Any:
        if value is None or value is False:
            raise Fault(self.mt5.last_error())
        return value

    def _all(self, kind: type[F], rows: Iterable[Any] | None) -> tuple[F, ...]:
        return tuple(facts(kind, row) for row in self._must(rows))

    def open(self) -> Opened:
        """Connect. The broker's password stays with the terminal: none is passed."""
        if not self.mt5.initialize(path=self.launch.path, timeout=self.launch.open_timeout_ms):
            raise Fault(self.mt5.last_error())
        info = self._must(self.mt5.terminal_info())
        if trouble := self._other_terminal(info.path):
            raise Fault((OTHER_TERMINAL, trouble))
        report, live = getattr(self.mt5, "replay_report", None), getattr(self.mt5, "live_report", None)
        return Opened(
            info.name, info.company, info.build, report is not None, bool(report and report()), info.path,
            bool(live and live()),
        )  # fmt: skip

    def _other_terminal(self, folder: str) -> str:
        """What to tell when the terminal that answers is not the one of the settings; empty when it is."""
        if not folder or same_folder(folder, self.launch.path):
            return ""
        return f"the terminal in {folder} answered instead of {self.launch.path}; check the setting terminal_path"

    def ticks(self, reads: tuple[TickRead, ...]) -> tuple[bytes | None, ...]:
        """Packed rows of the first reads, at least of one; None for a symbol the terminal does not have."""
        found: list[bytes | None] = []
        began = time.monotonic()
        for read in reads:
            if found and time.monotonic() - began > PIECE_S:
                break
            rows = self.mt5.copy_ticks_from(read.symbol, read.from_s, read.count, self.mt5.COPY_TICKS_ALL)
            found.append(self._packed(rows))
        return tuple(found)

    def ticks_range(self, read: RangeRead) -> bytes | None:
        """Packed rows between two seconds; None when the terminal does not have the symbol."""
        rows = self.mt5.copy_ticks_range(read.symbol, read.from_s, read.to_s, self.mt5.COPY_TICKS_ALL)
        return self._packed(rows)

    def _packed(self, rows: Any) -> bytes | None:
        if rows is None:
            error = self.mt5.last_error()
            if error[0] < NOT_FOUND:  # -1, -2 and -4 are about this symbol; the rest is about the connection
                raise Fault(error)
            return None
        data: bytes = rows.tobytes()
        return data

    def account(self) -> AccountLook:
        """Account, terminal and positions."""
        return AccountLook(
            facts(AccountFacts, self._must(self.mt5.account_info())),
            facts(TerminalFacts, self._must(self.mt5.terminal_info())),
            self._all(PositionFacts, self.mt5.positions_get()),
        )

    def watched(self) -> tuple[str, ...]:
        """Names of the symbols in Market Watch. MT5 has no shorter way than to give all that it knows of all."""
        return tuple(info.name for info in self._must(self.mt5.symbols_get()) if info.select)

    def listed(self) -> tuple[Listed, ...]:
        """Every symbol of the broker, in Market Watch or not."""
        return self._all(Listed, self.mt5.symbols_get())

    def symbols(self, names: tuple[str, ...]) -> SymbolLook:
        """Contracts of the first names, at least of one; each is put into Market Watch first."""
        infos: list[SymbolFacts] = []
        unknown: list[str] = []
        began = time.monotonic()
        for name in names:
            if (infos or unknown) and time.monotonic() - began > PIECE_S:
                break
            info = self.mt5.symbol_info(name)
            if info is not None and not info.select and self.mt5.symbol_select(name, True):
                info = self.mt5.symbol_info(name)
            if info is not None:
                infos.append(facts(SymbolFacts, info))
                continue
            error = self.mt5.last_error()
            if error[0] != NOT_FOUND:
                raise Fault(error)
            unknown.append(name)
        return SymbolLook(len(infos) + len(unknown), tuple(infos), tuple(unknown))

    def hours(self, symbol: str, first: int, count: int) -> tuple[int, ...]:
        """Broker seconds at which bars of an hour opened, oldest first; `first` 0 is the current one. None is none."""
        bars = self.mt5.copy_rates_from_pos(symbol, self.mt5.TIMEFRAME_H1, first, count)
        if bars is None:
            error = self.mt5.last_error()
            if error[0] < NOT_FOUND:
                raise Fault(error)
            return ()
        return tuple(int(second) for second in bars["time"])

    def connected(self) -> bool:
        """Whether the terminal reaches its broker."""
        return bool(self._must(self.mt5.terminal_info()).connected)

    def result(self, period: tuple[int, int]) -> float:
        """What trading earned between two broker times, in the account's currency; deposits are no trading."""
        deals = self._must(self.mt5.history_deals_get(*period))
        return float(sum(d.profit + d.swap + d.commission + d.fee for d in deals if d.type < BALANCE_DEALS))

    def send(self, request: Request) -> Sent:
        """`order_send`, once, with the newest quote as price. Never raises after the order may have left.

        A filling mode the broker does not take is followed by the next: 10030 means that nothing was executed.
        """
        if text := self._strayed(request):
            return _unsent(OTHER_ACCOUNT, text)
        for place, filling in enumerate(request.fillings):
            last = place == len(request.fillings) - 1
            tick = self.mt5.symbol_info_tick(request.symbol)
            if tick is None:
                raise Fault(self.mt5.last_error())
            order = self._order(request, filling, tick)
            sure = last or (request.filling_known and place == 0)
            if not sure and self._will_not_fill(order):
                continue
            sent = self._send_once(request, order, tick)
            if sent.retcode != INVALID_FILL or last:
                return sent
        raise Fault((-2, "no filling mode was given"))

    def _strayed(self, request: Request) -> str:
        """The account and the terminal are looked at before every order: a person may log in to another meanwhile."""
        if not request.login:
            return ""
        account = self._must(self.mt5.account_info())
        if account.login != request.login or (request.server and account.server != request.server):
            return (
                f"MT5 was logged in to account {account.login} at {account.server} meanwhile; "
                f"the order is for {request.login} at {request.server}"
            )
        return self._other_terminal(self._must(self.mt5.terminal_info()).path)

    def _order(self, request: Request, filling: int, tick: Any) -> dict[str, Any]:
        mt5 = self.mt5
        return {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": request.symbol,
            "volume": request.volume,
            "type": request.type,
            "price": float(tick.ask if request.type == mt5.ORDER_TYPE_BUY else tick.bid),
            "sl": request.sl,
            "tp": request.tp,
            "deviation": request.deviation,
            "magic": request.magic,
            "comment": request.comment,
            "type_time": mt5.ORDER_TIME_GTC,
            "type_filling": filling,
            "position": request.position,
        }

    def _will_not_fill(self, order: dict[str, Any]) -> bool:
        """Whether `order_check` rules the filling mode out. Of all else the broker is the judge."""
        checked = self.mt5.order_check(**order)
        return checked is not None and checked.retcode == INVALID_FILL

    def rehearse(self, wanted: Rehearsal) -> Checked:
        """`order_check` and nothing more: what the terminal would say to such an order. No order can leave by this."""
        tick = self.mt5.symbol_info_tick(wanted.symbol)
        if tick is None:
            raise Fault(self.mt5.last_error())
        request = Request(
            wanted.symbol, wanted.volume, self.mt5.ORDER_TYPE_BUY, wanted.fillings, 20, 0, "", 0, 0.0, 0.0, 0, 0
        )
        for filling in wanted.fillings:
            found = self.mt5.order_check(**self._order(request, filling, tick))
            if found is None:
                error, text = self.mt5.last_error()
                return Checked(0, text, 0.0, 0.0, filling, error or -1)
            if found.retcode != INVALID_FILL:
                break
        return Checked(found.retcode, found.comment, found.margin, found.margin_free, filling)

    def _send_once(self, request: Request, order: dict[str, Any], tick: Any) -> Sent:
        self.failpoint("terminal_before_send")
        sent_ms, sent_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        if held := held_back(request, order["price"], sent_ms, boot_ns()) or self._halted(request):
            return _unsent(*held, tick.time_msc)
        # keywords, never a positional dict: the package refuses that one whenever a wrapper added an empty **kwargs
        result = self.mt5.order_send(**order)
        self.failpoint("terminal_after_send")
        filling = order["type_filling"]
        if result is None:
            error, text = self.mt5.last_error()
            return Sent(0, 0, 0, 0.0, 0.0, "", error, text, sent_ms, sent_ns, tick.time_msc, (), filling)
        deals = self.mt5.history_deals_get(ticket=result.order) if result.order else None
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
            filling,
        )

    def _halted(self, request: Request) -> tuple[int, str] | None:
        if not self.launch.halt_file or not os.path.exists(self.launch.halt_file):
            return None
        try:
            document: bytes | None = Path(self.launch.halt_file).read_bytes()
        except FileNotFoundError:
            document = None
        except OSError:
            document = b""  # it is there, whatever it says
        why = halted(document, closing=request.position != 0)
        return (HALTED, why) if why else None

    def remove(self, ticket: int) -> int:
        """Take back what rests of an order at the broker. The retcode; 0 when there was no answer."""
        result = self.mt5.order_send(action=self.mt5.TRADE_ACTION_REMOVE, order=ticket)
        return 0 if result is None else int(result.retcode)

    def answer(self, call: Call) -> Reply:
        """Do one call; MT5's failures are replies, a bug in here is not caught and ends the process."""
        kind, method = self.methods[call.method]
        try:
            result = method(None if kind is None else msgspec.msgpack.decode(call.argument, type=kind))
        except Fault as fault:
            return Reply(call.id, fault.error[0] or -1, fault.error[1])
        return Reply(call.id, 0, "", msgspec.Raw(msgspec.msgpack.encode(result)))


def same_folder(folder: str, program: str) -> bool:
    """Whether the program (or the simulator's file) lies in this folder; Windows does not care for case."""
    if ntpath.splitdrive(program)[0]:
        return ntpath.normcase(ntpath.normpath(folder)) == ntpath.normcase(ntpath.normpath(ntpath.dirname(program)))
    return Path(folder).resolve() == Path(program).resolve().parent


def _unsent(error: int, text: str, tick_time_msc: int = 0) -> Sent:
    return Sent(0, 0, 0, 0.0, 0.0, "", error, text, 0, 0, tick_time_msc, ())

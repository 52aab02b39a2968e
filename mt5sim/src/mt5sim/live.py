"""Keep a connection to a public price stream, in a thread of its own, and hand over what it said."""

import importlib
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from mt5sim.exchange import MOST_BYTES, BookTicker, Refused
from mt5sim.profiles import SymbolProfile

OPEN_TIMEOUT_S = 10.0
SILENT_S = 60.0
""" a stream that says nothing for so long is given up and opened anew """
CLOSE_WAIT_S = 3.0
LOOK_S = 0.5
""" how soon the thread notices that it is to end """
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
MOST_PER_SECOND = 2_000
""" messages; more within a second are counted and left out, for the newest price is the one that matters """
FLOOD = 10
""" times as many end the connection """
MOST_WAITING = 100_000
""" quotes that were received and not read """
UNAVAILABLE_FOR_LEGAL_REASONS = 451


class Connection(Protocol):
    """An open stream."""

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message. Raises TimeoutError when none comes in time."""
        ...


Opener = Callable[[str], Any]
""" address -> context manager of a Connection """


@dataclass(frozen=True, slots=True)
class Quote:
    received_ms: int
    """ UTC of this computer: the exchange's best-price messages have no time of their own """
    bid: float
    ask: float


class LiveStream:
    """Call `start`, then `take` as often as you like, and `close` at the end."""

    def __init__(
        self,
        address: str,
        profile: SymbolProfile,
        give_up_s: float,
        opener: Opener | None = None,
        first_wait_s: float = FIRST_WAIT_S,
    ) -> None:
        self.address = f"{address.rstrip('/')}/{profile.name.lower()}@bookTicker"
        self.trouble = "not connected yet"
        """ why no quotes come, in words for a person; empty while they do """
        self.ended = False
        """ it was tried for too long and is not tried any more """
        self.quotes = 0
        self.connections = 0
        self.refused: Counter[str] = Counter()
        """ reason -> messages that were no sound quotes, or too many """
        self._symbol = profile
        self._give_up_s = give_up_s
        self._first_wait_s = first_wait_s
        self._open = opener or open_stream
        self._waiting: list[Quote] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._random = random.Random()  # noqa: S311 spreads reconnections, protects nothing
        self._thread = threading.Thread(target=self._run, name=f"quotes of {profile.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_WAIT_S)

    def take(self) -> list[Quote]:
        """The quotes since the last call, in the order they came."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken

    def _run(self) -> None:
        wait, silent_since = self._first_wait_s, time.monotonic()
        while not self._stop.is_set():
            before = self.quotes
            self.trouble = self._listen()
            if self.quotes > before:
                wait, silent_since = self._first_wait_s, time.monotonic()
            if time.monotonic() - silent_since > self._give_up_s:
                self.ended = True
                self.trouble += f"; given up after {self._give_up_s / 60:.0f} minutes, start again to try again"
                return
            self._stop.wait(wait * self._random.uniform(0.5, 1.5))
            wait = min(wait * 2, LONGEST_WAIT_S)

    def _listen(self) -> str:
        """Take quotes from one connection until it ends; returns why it did."""
        try:
            with self._open(self.address) as connection:
                self.connections += 1
                return self._listen_to(connection)
        except TimeoutError:
            return f"no answer from {_host(self.address)} within {OPEN_TIMEOUT_S:.0f} s"
        except Exception as error:  # noqa: BLE001 whatever ends a connection: it is opened anew, and the reason shown
            return trouble_of(error, self.address)

    def _listen_to(self, connection: Connection) -> str:
        # update numbers may begin anew behind another server
        ticker = BookTicker(self._symbol)
        heard = second = time.monotonic()
        in_second = 0
        while not self._stop.is_set():
            try:
                message = connection.recv(timeout=LOOK_S)
            except TimeoutError:
                if time.monotonic() - heard > SILENT_S:
                    return f"{_host(self.address)} has said nothing for {SILENT_S:.0f} s"
                continue
            heard = time.monotonic()
            if heard - second >= 1:
                second, in_second = heard, 0
            in_second += 1
            if in_second > MOST_PER_SECOND:
                self.refused["too many in one second"] += 1
                if in_second > FLOOD * MOST_PER_SECOND:
                    return f"{_host(self.address)} sends more than {FLOOD * MOST_PER_SECOND} messages a second"
                continue
            self._heard(ticker, message)
        return "stopped"

    def _heard(self, ticker: BookTicker, message: str | bytes) -> None:
        try:
            bid, ask = ticker.read(message)
        except Refused as error:
            self.refused[str(error)] += 1
            return
        quote = Quote(time.time_ns() // 1_000_000, bid, ask)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self.refused["not read in time"] += len(self._waiting)
                self._waiting.clear()
            self._waiting.append(quote)
        self.quotes += 1
        self.trouble = ""


@contextmanager
def open_stream(address: str) -> Iterator[Connection]:
    """A WebSocket to the address. Needs the `websockets` package: pip install mt5sim[live]."""
    try:
        connect: Any = importlib.import_module("websockets.sync.client").connect
    except ImportError as error:
        raise OSError("live quotes need the websockets package: pip install mt5sim[live]") from error
    parts = urlsplit(address)
    secure = parts.scheme == "wss"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    # our own socket: the library then follows no redirect to another host, and uses no proxy
    with (
        socket.create_connection((host, port), OPEN_TIMEOUT_S) as plain,
        connect(
            address,
            sock=plain,
            ssl=ssl.create_default_context() if secure else None,
            server_hostname=host if secure else None,
            proxy=None,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1,
            max_size=MOST_BYTES,
            max_queue=256,
        ) as connection,
    ):
        yield connection


def trouble_of(error: BaseException, address: str) -> str:
    """One sentence for a person."""
    host = _host(address)
    if isinstance(error, socket.gaierror):
        return f"the name {host} cannot be found: is there an internet connection?"
    if isinstance(error, ssl.SSLError):
        return f"{host} does not prove who it is ({error.reason or error}): is something between here and the internet?"
    response = getattr(error, "response", None)
    if response is not None:
        status = response.status_code
        why = ": the exchange does not serve this country" if status == UNAVAILABLE_FOR_LEGAL_REASONS else ""
        return f"{host} refuses the stream with HTTP {status}{why}"
    if isinstance(error, OSError) and error.strerror:
        return f"{host} cannot be reached ({error.strerror}): is there an internet connection?"
    return f"the connection to {host} ended ({error or type(error).__name__})"


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def trouble_with(address: str, profile: SymbolProfile, within_s: float = OPEN_TIMEOUT_S) -> str:
    """Try the stream once: why no quote came within this time, or an empty text when one came."""
    stream = LiveStream(address, profile, give_up_s=0.0)
    deadline = time.monotonic() + within_s
    stream.start()
    try:
        while time.monotonic() < deadline and not stream.quotes and not stream.ended:
            time.sleep(0.02)
        refused = f" (refused: {', '.join(stream.refused)})" if stream.refused else ""
        return "" if stream.quotes else stream.trouble.partition("; given up")[0] + refused
    finally:
        stream.close()

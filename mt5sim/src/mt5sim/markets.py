"""Where a terminal's prices come from: a generator, recordings, or the public quotes of an exchange."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from types import MappingProxyType

from mt5sim.exchange import ADDRESS, address_mistake
from mt5sim.exchange import SYMBOLS as LIVE_SYMBOLS

NO_FILES: Mapping[str, Path] = MappingProxyType({})
MAX_RATE = 1000
MAX_MINUTES = 10_080
MOST_MADE_TICKS = 20_000_000
""" a made recording must fit in memory: some 2 GB """


@dataclass(frozen=True, slots=True)
class Generator:
    """A seeded random walk. The same seed shows the same prices at the same moment, in any process."""

    seed: int = 1
    symbols: tuple[str, ...] = ()
    """ which symbols move; empty = all of the terminal """
    ticks_per_second: float = 2.0
    """ on average, while the market is open """
    history_minutes: int = 240
    """ how far back ticks exist when the terminal starts """
    sessions: bool = False
    """ as a currency market: closed on weekends and in the daily break, a quiet Asian session, bursts, wider spreads;
    False = evenly, round the clock, so that a demo moves on a Sunday, too """
    start: str = ""
    """ "2026-01-05T00:00:00Z": a made recording that begins then; empty = in real time, now """
    minutes: int = 1440
    """ length of the made recording """
    speed: float = 1.0
    """ of the made recording: 1 = real time, 10 ten times faster, 0 = as fast as the ticks are read """

    @property
    def start_ms(self) -> int | None:
        """UTC milliseconds; None = in real time. Raises ValueError when `start` is no date."""
        if not self.start:
            return None
        moment = datetime.fromisoformat(self.start)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Replay:
    """Recordings: one `file` of one `symbol`, or several `files` that happen together.

    speed 1 = as recorded, 10 = ten times faster, 0 = as fast as the ticks are read.
    """

    file: Path | None = None
    symbol: str = ""
    speed: float = 1.0
    files: Mapping[str, Path] = field(default_factory=lambda: NO_FILES)
    """ symbol -> recording """

    def __post_init__(self) -> None:
        if self.file is not None:
            object.__setattr__(self, "file", Path(self.file))
        object.__setattr__(self, "files", {symbol: Path(path) for symbol, path in self.files.items()})

    @property
    def recordings(self) -> dict[str, Path]:
        """All of them; symbol -> file or folder."""
        one = {} if self.file is None else {self.symbol: self.file}
        return {**one, **self.files}


@dataclass(frozen=True, slots=True)
class Live:
    """Real quotes of Binance's public stream; the account and its orders stay simulated. Needs mt5sim[live]."""

    symbol: str = "BTCUSDT"
    address: str = ADDRESS
    """ only the exchange's own hosts are ever connected to, and this computer """
    give_up_minutes: float = 60.0
    """ how long a lost connection is tried again """


Market = Generator | Replay | Live


def company_of(market: Market) -> str:
    """What account and terminal say about their prices, wherever a broker's name would stand."""
    return "Live quotes, simulated account" if isinstance(market, Live) else "Simulated prices"


def symbols_of(market: Market) -> tuple[str, ...]:
    """The symbols a market names; empty = all of the terminal."""
    if isinstance(market, Live):
        return (market.symbol,)
    return tuple(market.recordings) if isinstance(market, Replay) else market.symbols


def mistakes_of(market: Market, names: set[str]) -> Iterator[str]:
    """What is wrong with it, each with what to write instead; `names` are the terminal's symbols."""
    if isinstance(market, Live) and market.symbol not in LIVE_SYMBOLS:
        yield f"market.symbol is {market.symbol!r}: live quotes are known for {' and '.join(LIVE_SYMBOLS)}"
        return
    if unknown := set(symbols_of(market)) - names - {""}:
        yield f"market: no profile for {', '.join(sorted(unknown))}; add a profile of that name to symbols"
    if isinstance(market, Replay):
        yield from _replay_mistakes(market)
    elif isinstance(market, Live):
        yield from _live_mistakes(market)
    else:
        yield from _generator_mistakes(market, len(market.symbols or names))


def _speed_mistakes(speed: float) -> Iterator[str]:
    if not 0 <= speed < inf:
        yield f"market.speed is {speed}: use 1, 10, or 0 for full speed"


def _replay_mistakes(market: Replay) -> Iterator[str]:
    if not market.recordings:
        yield 'market.file is missing: write "file" and "symbol", or "files": {"EURUSD": "eurusd.csv.gz"}'
    if market.file is not None and not market.symbol:
        yield 'market.symbol is missing: write which symbol the file holds, such as "EURUSD"'
    if market.file is not None and market.symbol in market.files:
        yield f"market.files: {market.symbol} is named in market.symbol already"
    yield from _speed_mistakes(market.speed)


def _live_mistakes(market: Live) -> Iterator[str]:
    if mistake := address_mistake(market.address):
        yield mistake
    if not 0 <= market.give_up_minutes < inf:
        yield f"market.give_up_minutes is {market.give_up_minutes}: use 0 or more"


def _generator_mistakes(market: Generator, symbols: int) -> Iterator[str]:
    if market.seed < 0:
        yield "market.seed: use 0 or more"
    if not 0 < market.ticks_per_second <= MAX_RATE:
        yield f"market.ticks_per_second is {market.ticks_per_second}: use more than 0, at most {MAX_RATE}"
    if not 1 <= market.history_minutes <= MAX_MINUTES:
        yield f"market.history_minutes is {market.history_minutes}: use 1 to {MAX_MINUTES}"
    try:
        started = market.start_ms is not None
    except ValueError:
        yield f"market.start is {market.start!r}: write a moment such as 2026-01-05T00:00:00Z, or leave it out"
        return
    if started and market.minutes < 1:
        yield f"market.minutes is {market.minutes}: use 1 or more"
    if started and market.ticks_per_second * market.minutes * 60 * symbols > MOST_MADE_TICKS:
        yield f"market.minutes: that makes more than {MOST_MADE_TICKS} ticks; use fewer minutes, symbols or ticks"
    yield from _speed_mistakes(market.speed)

"""Set up the feeds of a terminal's market."""

from collections.abc import Mapping

from mt5sim.config import TerminalConfig
from mt5sim.feed import Feed, GeneratorFeed, replay
from mt5sim.generator import BLOCK_MS, RandomWalk
from mt5sim.live import LiveStream
from mt5sim.live_feed import LiveFeed
from mt5sim.markets import Generator, Live, Replay
from mt5sim.profiles import SymbolProfile
from mt5sim.tickfile import TickFile, load_ticks

MINUTE_MS = 60_000
MOST_TICKS = 1_000_000
""" a generated symbol keeps at most about this many ticks in memory """


def feeds_of(config: TerminalConfig, profiles: Mapping[str, SymbolProfile], utc_ms: int) -> dict[str, Feed]:
    """Symbol -> feed. Raises ConfigError when a recording cannot be read."""
    market = config.market
    if isinstance(market, Replay):
        files = {symbol: load_ticks(path, config.clock) for symbol, path in market.recordings.items()}
        return replay(files, market.speed, utc_ms)
    if isinstance(market, Live):
        stream = LiveStream(market.address, profiles[market.symbol], market.give_up_minutes * 60)
        return {market.symbol: LiveFeed(stream, config.clock)}
    walks = {name: walk_of(market, profiles[name], config.clock) for name in market.symbols or profiles}
    if (start_ms := market.start_ms) is not None:
        made = {name: _made(walk, start_ms, market.minutes) for name, walk in walks.items()}
        return replay(made, market.speed, utc_ms)
    return {
        name: GeneratorFeed(
            walk, BLOCK_MS, walk.hours.back_to(utc_ms, market.history_minutes) * MINUTE_MS, utc_ms, MOST_TICKS
        )
        for name, walk in walks.items()
    }


def walk_of(market: Generator, profile: SymbolProfile, clock: str) -> RandomWalk:
    return RandomWalk(profile, market.seed, market.ticks_per_second, clock, market.sessions)


def _made(walk: RandomWalk, start_ms: int, minutes: int) -> TickFile:
    first = start_ms // BLOCK_MS
    ticks = walk(first, first + minutes).ticks
    return TickFile(ticks, len(ticks), 0, None)

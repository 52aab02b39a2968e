"""A seeded random walk whose price is a function of the moment, so every process and restart sees the same market."""

import hashlib
from dataclasses import dataclass

import numpy as np

from mt5sim.clock import CLOCKS
from mt5sim.hours import Hours, hours_of
from mt5sim.profiles import SymbolProfile
from mt5sim.tape import FloatArray, IntArray, Tape, quotes

BLOCK_MS = 60_000
OCTAVES = 14
""" the slowest wave has a period of 2^13 minutes, about six days; beyond that the walk stays near its base price """
LOWEST_SHARE = 0.1
BURST_SHARE = 0.03
""" of the minutes: news, or a large order """
BURST_RATE = 8.0
QUIET_RATE = (1 - BURST_SHARE * BURST_RATE) / (1 - BURST_SHARE)
""" what the other minutes lose, so that the average stays as configured """
BURST_PACKED = 0.8
BURST_DECAY_MS = 3_000.0
BURST_SPREAD = 3.0
""" spread and steps at a burst's first tick, as a multiple """


@dataclass(frozen=True, slots=True)
class RandomWalk:
    profile: SymbolProfile
    seed: int
    ticks_per_second: float
    clock: str
    sessions: bool = False

    @property
    def hours(self) -> Hours:
        return hours_of(self.profile, self.sessions)

    def __call__(self, first_block: int, after_last_block: int) -> Tape:
        edges = np.arange(first_block, after_last_block + 1, dtype=np.int64)
        hours = self.hours
        levels, activity, spreads = self._levels(hours.elapsed(edges)), hours.activity(edges), hours.spread(edges)
        parts = [
            self._block(int(block), levels[i], levels[i + 1], activity[i], spreads[i])
            for i, block in enumerate(edges[:-1])
            if activity[i] > 0
        ]
        utc_ms = np.concatenate([np.zeros(0, dtype=np.int64), *[part[0] for part in parts]])
        bid_points = np.concatenate([np.zeros(0), *[part[1] for part in parts]])
        spread_points = np.concatenate([np.zeros(0), *[part[2] for part in parts]])
        # dividing whole points by a power of ten gives the float nearest to the decimal price, as a broker sends it
        scale = 10.0**self.profile.digits
        ticks = quotes(CLOCKS[self.clock](utc_ms), bid_points / scale, (bid_points + spread_points) / scale)
        return Tape.of(ticks, utc_ms)

    def _levels(self, moments: FloatArray) -> FloatArray:
        """The bid in points at these market times: noise on 14 time scales, which adds up to a random walk."""
        base = self.profile.price * 10.0**self.profile.digits
        level = np.full(len(moments), base)
        for octave in range(OCTAVES):
            period = 1 << octave
            left = np.floor(moments / period).astype(np.int64)
            share = moments / period - left
            noise = self._noise(octave, left) * (1 - share) + self._noise(octave, left + 1) * share
            level += noise * self.profile.volatility_points * 0.5 * period**0.5
        lowest = max(base * LOWEST_SHARE, 1.0)
        return np.asarray(np.maximum(level, lowest), dtype=np.float64)

    def _noise(self, octave: int, index: IntArray) -> FloatArray:
        """A number of variance 1 for each index, by the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
        with np.errstate(over="ignore"):
            x = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(self._key(f"octave {octave}"))
            x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            x = x ^ (x >> np.uint64(31))
        uniform: FloatArray = x.astype(np.float64) / 2.0**64 - 0.5
        return np.asarray(uniform * 12.0**0.5, dtype=np.float64)

    def _block(
        self, block: int, level: float, next_level: float, activity: float, spread: float
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """UTC milliseconds, bid and spread in points of one minute's ticks."""
        random = np.random.default_rng([self._key("block"), block])
        bursting = self.sessions and random.random() < BURST_SHARE
        rate = BURST_RATE if bursting else QUIET_RATE if self.sessions else 1.0
        count = max(1, int(random.poisson(self.ticks_per_second * BLOCK_MS / 1000 * activity * rate)))
        offsets = np.sort(random.integers(0, BLOCK_MS, count))
        wild = np.ones(count)
        if bursting:
            # most of the minute's ticks follow one moment within seconds, many of them in the same millisecond
            after = offsets[0] + random.exponential(BURST_DECAY_MS, count).astype(np.int64)
            offsets = np.sort(np.minimum(np.where(random.random(count) < BURST_PACKED, after, offsets), BLOCK_MS - 1))
            wild = 1 + (BURST_SPREAD - 1) * np.exp(-np.maximum(offsets - offsets[0], 0) / (4 * BURST_DECAY_MS))
        share = offsets / BLOCK_MS
        steps = np.cumsum(random.standard_normal(count) * wild)
        steps *= self.profile.volatility_points * 0.5 * activity**0.5 / count**0.5
        bridge = steps - share * steps[-1]
        bid = np.maximum(np.round(level + (next_level - level) * share + bridge), 1.0)
        # spreads hug the typical value and now and then widen
        width = np.round(self.profile.spread_points * spread * wild * (0.8 + random.gamma(1.0, 0.2, count)))
        return block * BLOCK_MS + offsets, bid, np.maximum(width, 1.0)

    def _key(self, purpose: str) -> int:
        text = f"{self.seed}/{self.profile.name}/{purpose}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

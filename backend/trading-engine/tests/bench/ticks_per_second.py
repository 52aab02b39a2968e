"""Measure how many ticks a second one core decides on: `python tests/bench/ticks_per_second.py`."""

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine_world import T0, account, batch, binding

from contracts.codec import decode, encode
from contracts.ticks import TickBatch, column_fault
from trading_engine.domain.bindings import parse
from trading_engine.domain.engine import Engine
from trading_engine.domain.events import AccountReported, TicksArrived

TICKS = 400_000


def measure(name: str, engine: Engine, size: int, step_ms: int) -> None:
    rng = random.Random(1)
    bid, seq, frames = 1.1, 1, []
    for start in range(0, TICKS, size):
        bids = []
        for _ in range(size):
            bid = max(0.5, bid + rng.choice((-0.00001, 0.00001)))
            bids.append(bid)
        frames.append(encode(batch(seq, bids, at_ms=T0 + start * step_ms, step_ms=step_ms)))
        seq += size
    engine.process(AccountReported(T0, account()))
    began = time.process_time()
    for i, frame in enumerate(frames):
        read = decode(frame, TickBatch)
        assert column_fault(read) is None
        engine.process(TicksArrived(T0 + (i + 1) * size * step_ms, read))
    took = time.process_time() - began
    rate = engine.counts.ticks / took
    sys.stdout.write(f"{name:34} batches of {size:5}: {rate:12,.0f} ticks/s, {engine.counts.proposals} proposals\n")


def main() -> None:
    for size in (1, 16, 256, 2_000):
        measure("ma_cross, sample_ms=1000", Engine(parse("ma_cross:default/*:*:fast=5,slow=20")), size, 10)
        measure("ma_cross, a sample every tick", Engine(parse("ma_cross:default/*:*:sample_ms=1")), size, 10)
        measure("a strategy that sees every tick", Engine((binding(at=()),)), size, 10)


main()

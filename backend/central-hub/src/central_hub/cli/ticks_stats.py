"""`aitrading ticks stats`: what is stored, counted in the store."""

import argparse

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import explain, on_bus
from contracts import rpc
from kit.bus import Bus

TIMEOUT_S = 60.0


def run(options: argparse.Namespace) -> int:
    """One line per stream."""
    question = rpc.StatsQuestion(options.tenant, options.account)

    async def ask(bus: Bus) -> rpc.Stats:
        await explain(bus, options.tenant, options.because, "ticks stats")
        return await bus.ask(rpc.TICKS_STATS, question, TIMEOUT_S)

    stats = on_bus(DataDir(options.data), ask)
    if options.json:
        print(msgspec.json.encode(stats).decode())
        return 0
    if not stats.streams:
        print("No ticks are stored.")
        return 0
    counted = f"{'ticks':>12} {'lost':>6} {'doubled':>8} {'crossed':>9} {'late':>7}"
    print(f"{'account':<12} {'symbol':<12} {'epoch':>14} {counted}")
    for s in stats.streams:
        print(
            f"{s.account:<12} {s.symbol:<12} {s.epoch:>14} {s.rows:>12,} {s.lost:>6} {s.duplicated:>8} "
            f"{s.crossed:>9,} {s.late:>7,}"
        )
    return 0

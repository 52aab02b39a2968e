"""`make smoke TICKS=file SYMBOL=S`: a file through the whole real path at full speed, then one line of proof."""

import argparse
import asyncio
import json
import math
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts import rpc
from kit.nats_bus import NatsBus
from stage import ACCOUNT, TENANT, Stage, StageError, lines_of, replayed_market, until

TICKS_LIMIT_S = 600.0
SETTLE_LIMIT_S = 60.0


@dataclass
class Counted:
    """What the store says at one moment."""

    stored: int
    lost: int
    duplicated: int
    crossed: int
    refused: dict[str, int]


async def count(bus: NatsBus) -> Counted:
    """Ask the store to count; nothing here adds up what was sent."""
    stats = await bus.ask(rpc.TICKS_STATS, rpc.StatsQuestion(TENANT, ACCOUNT), timeout_s=15)
    accounts = await bus.ask(rpc.ACCOUNTS, rpc.AccountsQuestion(TENANT), timeout_s=15)
    refused: dict[str, int] = {}
    for account in accounts.accounts:
        for reason, number in account.ticks_refused.items():
            refused[reason] = refused.get(reason, 0) + number
    return Counted(
        sum(s.rows for s in stats.streams) - sum(s.duplicated for s in stats.streams),
        sum(s.lost for s in stats.streams),
        sum(s.duplicated for s in stats.streams),
        sum(s.crossed for s in stats.streams),
        refused,
    )


async def watermark(bus: NatsBus) -> int:
    """How many ticks the store says it has: a look at its memory, where `count` reads whole columns from the disk.

    Whoever waits asks this, so that the waiting costs the store nothing; what is proved is counted afterwards.
    """
    stored = await bus.ask(rpc.STORED, rpc.StoredQuestion(TENANT, ACCOUNT))
    return sum(position.seq for position in stored.streams)


def percentile(values: list[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 3)


async def latencies_ms(bus: NatsBus) -> list[float]:
    """Tick received by the connector to `order_send` called, for every order a tick caused and the terminal saw."""
    orders = {o.id: o for o in (await bus.ask(rpc.ORDERS, rpc.OrdersQuestion(TENANT, limit=rpc.MAX_ROWS), 30)).orders}
    executions = (await bus.ask(rpc.EXECUTIONS, rpc.ExecutionsQuestion(TENANT, limit=rpc.MAX_ROWS), 30)).executions
    found = []
    for execution in executions:
        order = orders.get(execution.order_id)
        if order is not None and order.tick_received_ms and execution.sent_ms:
            found.append(float(execution.sent_ms - order.tick_received_ms))
    return found


async def replay(stage: Stage, in_file: int) -> dict[str, Any]:
    """Send the file through and wait until the store has it and every order is accounted for."""
    async with stage.bus() as bus:
        stage.start_client()
        refused = had = 0
        began = 0.0

        async def all_there() -> bool:
            nonlocal refused, had, began
            stored = await watermark(bus)
            if stored and not had:
                had, began = stored, time.monotonic()
            if stored + refused < in_file:
                # refused ticks have no number: the connector's account tells of them, a second later
                accounts = await bus.ask(rpc.ACCOUNTS, rpc.AccountsQuestion(TENANT), timeout_s=15)
                refused = sum(sum(account.ticks_refused.values()) for account in accounts.accounts)
            return stored + refused >= in_file

        await until(all_there, TICKS_LIMIT_S, f"storing {in_file:,} ticks", every_s=0.05)
        took = time.monotonic() - began

        async def settled() -> rpc.Summary | None:
            summary = await bus.ask(rpc.SUMMARY, rpc.StoredQuestion(TENANT, ""), timeout_s=30)
            open_orders = await bus.ask(rpc.ORDERS, rpc.OrdersQuestion(TENANT, open_only=True), timeout_s=30)
            return summary if not summary.signals_unanswered and not open_orders.orders else None

        unsettled = ""
        try:
            # the strategy may still be working through the ticks: what counts is two quiet looks, a second apart
            before = await until(settled, SETTLE_LIMIT_S, "settling every order")
            while True:
                await asyncio.sleep(1.0)
                summary = await until(settled, SETTLE_LIMIT_S, "settling every order")
                if summary == before:
                    break
                before = summary
        except StageError as error:
            unsettled = str(error)
            summary = await bus.ask(rpc.SUMMARY, rpc.StoredQuestion(TENANT, ""), timeout_s=30)
        counted = await count(bus)
        delays = await latencies_ms(bus)
        sent = stage.connector_metric("ticks_sent")
    return {
        "ticks": {
            "in_file": in_file,
            "sent": sent,
            "stored": counted.stored,
            "duplicated": counted.duplicated,
            "lost": counted.lost + max(0, in_file - counted.stored - sum(counted.refused.values())),
            "refused": counted.refused,
            "crossed": counted.crossed,
        },
        "signals": summary.signals,
        "executions": summary.executions,
        "orders": {state.value: number for state, number in summary.orders.items()},
        "orders_unaccounted": summary.signals_unanswered,
        "unsettled": unsettled,
        "stored_ticks_per_s": round((counted.stored - had) / took) if counted.stored > had else None,
        "tick_to_order_ms": {"p50": percentile(delays, 0.50), "p99": percentile(delays, 0.99)},
    }


def main() -> int:
    """Prints progress on standard error and one JSON object as the last line of standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ticks", type=Path)
    parser.add_argument("symbol")
    parser.add_argument("--keep", action="store_true", help="leave the data directory for a look")
    arguments = parser.parse_args()
    if not arguments.symbol:
        print("Say which file and symbol: make smoke TICKS=file.csv.gz SYMBOL=EURUSD", file=sys.stderr)
        return 2
    if not arguments.ticks.is_file():
        print(f"There is no file {arguments.ticks}; give TICKS=path of a tick file.", file=sys.stderr)
        return 2
    data = Path(tempfile.mkdtemp(prefix="aitrading-smoke-"))
    stage = Stage(data, replayed_market(arguments.ticks, arguments.symbol, 0))
    failed = True
    try:
        in_file = lines_of(arguments.ticks)
        print(f"{in_file:,} ticks of {arguments.symbol} through the whole path, in {data}", file=sys.stderr)
        ready_s = stage.start_platform()
        print(f"ready in {ready_s:.1f} s", file=sys.stderr)
        proof = asyncio.run(replay(stage, in_file))
        proof["ready_s"] = round(ready_s, 2)
        ticks = proof["ticks"]
        wrong = ticks["lost"] or ticks["duplicated"] or proof["orders_unaccounted"] or proof["unsettled"]
        failed = bool(wrong)
    except StageError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        stage.stop()
        if failed or arguments.keep:
            print(f"the data and logs are in {data}", file=sys.stderr)
        else:
            shutil.rmtree(data, ignore_errors=True)
    print(json.dumps(proof))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

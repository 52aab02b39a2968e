"""`aitrading usage`: what tenants used, day by day, for people and for billing."""

import argparse
import csv
import datetime
import re
import sys

import msgspec

from central_hub.adapters.datadir import DataDir
from central_hub.cli.asking import on_bus
from central_hub.ports import HubError
from contracts.tenants import USAGE, Measure, UsageDay, UsageQuestion

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
COLUMNS = ("tenant", "day", *(measure.value for measure in Measure))
_EPOCH = datetime.date(1970, 1, 1)


def run(options: argparse.Namespace) -> int:
    """A line for each tenant and day with anything in it."""
    first, after = days_of(options.month)
    question = UsageQuestion(options.tenant or "*", first, after)
    days = on_bus(DataDir(options.data), lambda bus: bus.ask(USAGE, question)).days
    if options.json:
        print(msgspec.json.encode([dict(zip(COLUMNS, row(day), strict=True)) for day in days]).decode())
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(row, days))
    else:
        print(f"{'tenant':<24} {'day':<10} " + " ".join(f"{measure.value:>10}" for measure in Measure))
        for day in days:
            tenant, date, *amounts = row(day)
            print(f"{tenant:<24} {date:<10} " + " ".join(f"{amount:>10}" for amount in amounts))
    return 0


def row(day: UsageDay) -> tuple[str | int, ...]:
    """In the order of COLUMNS; the day as a date (UTC)."""
    amounts = (getattr(day, measure.value) for measure in Measure)
    return (day.tenant, (_EPOCH + datetime.timedelta(days=day.day)).isoformat(), *amounts)


def days_of(month: str) -> tuple[int, int]:
    """First day of a month like 2026-11 and the first after it, in days since 1970; this month when empty. HubError
    when it is no month."""
    if not month:
        month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m")
    if MONTH.fullmatch(month) is None:
        raise HubError(f"{month!r} is not a month: write it like 2026-11.")
    first = datetime.date.fromisoformat(f"{month}-01")
    after = (first + datetime.timedelta(days=31)).replace(day=1)
    return (first - _EPOCH).days, (after - _EPOCH).days

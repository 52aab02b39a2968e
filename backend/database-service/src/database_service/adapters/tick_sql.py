"""The questions to ClickHouse about ticks, and the shapes of their answers."""

import numpy as np

STREAM = "tenant = {tenant:String} AND account = {account:String} AND symbol = {symbol:String}"
ONE = STREAM + " AND epoch = {epoch:UInt64}"

LOAD = """
SELECT tenant, account, symbol, epoch, count(), sum(seq), max(seq),
    min(time_msc), max(time_msc), argMaxIf((seq, time_msc, received_ms, bid, ask), seq, bitAnd(marks, 4) = 0)
FROM market.ticks GROUP BY tenant, account, symbol, epoch
"""
"""A stream is whole when its count is its highest number and its sum is that of 1..n (modulo 2**64)."""

CONTIGUOUS = f"""
SELECT max(seq) FROM (
    SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM (SELECT DISTINCT seq FROM market.ticks WHERE {ONE})
) WHERE seq = place
"""  # noqa: S608 every value is a bound parameter

WHOLE = f"SELECT count(), sum(seq), max(seq) FROM market.ticks WHERE {ONE}"  # noqa: S608 names of our own, no values

ASIDE = f"INSERT INTO market.ticks_aside SELECT * FROM market.ticks WHERE {ONE} AND seq > {{seq:UInt64}}"  # noqa: S608 names of our own, no values
REMOVE = f"ALTER TABLE market.ticks DELETE WHERE {ONE} AND seq > {{seq:UInt64}} SETTINGS mutations_sync = 2"

STATS = """
SELECT account, symbol, epoch, count(), groupBitmap(seq), max(seq),
    countIf(bitAnd(marks, 1) != 0), countIf(bitAnd(marks, 2) != 0), countIf(bitAnd(marks, 4) != 0),
    min(time_msc), max(time_msc)
FROM market.ticks WHERE tenant = {tenant:String} AND ({account:String} = '' OR account = {account:String})
GROUP BY account, symbol, epoch ORDER BY account, symbol, epoch
"""
"""A bitmap counts distinct numbers exactly at about one bit per tick; the table is read without FINAL."""

_TICK_COLUMNS = "epoch, seq, time_msc, received_ms, bridge_ms, bid, ask, last, volume_real, flags, marks"
TICK = np.dtype(
    [
        *(("epoch", "<u8"), ("seq", "<u8"), ("time_msc", "<i8"), ("received_ms", "<i8"), ("bridge_ms", "<i8")),
        *(("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"), ("volume_real", "<f8"), ("flags", "<u4"), ("marks", "u1")),
    ]
)
NEWEST_TICKS = f"""
SELECT {_TICK_COLUMNS} FROM market.ticks WHERE {ONE} AND seq > {{above:UInt64}} ORDER BY seq LIMIT {{limit:UInt32}}
"""  # noqa: S608 names of our own, no values
TICKS_IN_TIME = f"""
SELECT {_TICK_COLUMNS} FROM market.ticks
WHERE {STREAM} AND time_msc >= {{from_ms:Int64}} AND time_msc < {{to_ms:Int64}}
ORDER BY epoch, seq LIMIT {{limit:UInt32}}
"""  # noqa: S608 names of our own, no values

BAR = np.dtype(
    [
        *(("opens", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8")),
        *(("ticks", "<u8"), ("spread", "<f8")),
    ]
)
ROLLED = """
SELECT tenant, account, symbol, epoch, max(chunk) + 1 FROM market.minutes GROUP BY tenant, account, symbol, epoch
"""
ROLL = f"""
INSERT INTO market.minutes
SELECT tenant, account, symbol, epoch,
    intDiv(seq - 1, {{chunk:UInt64}}) AS chunk, intDiv(time_msc, 60000) * 60000 AS opens,
    argMin(bid, seq), max(bid), min(bid), argMax(bid, seq), min(seq), max(seq), count(), sum(ask - bid)
FROM market.ticks WHERE {ONE} AND seq > {{above:UInt64}} AND seq <= {{upto:UInt64}}
GROUP BY tenant, account, symbol, epoch, chunk, opens
"""  # noqa: S608 names of our own, no values
UNROLL = f"ALTER TABLE market.minutes DELETE WHERE {ONE} AND chunk >= {{chunk:UInt64}} SETTINGS mutations_sync = 2"

_IN_TIME = "{column} >= {{from_ms:Int64}} AND {column} < {{to_ms:Int64}}"
_BUCKET = "intDiv({column}, {{step:Int64}}) * {{step:Int64}}"


def bars(rolled: dict[int, int], chunk: int) -> str:
    """Bars from the minutes of the chunks rolled (epoch -> number) and from the ticks after them.

    Numbers are compared within an epoch first and epochs after that: a comparison of tuples costs four times as much.
    """
    newer = " OR ".join(f"(epoch = {int(epoch)} AND seq > {int(n) * chunk})" for epoch, n in rolled.items())
    older = " OR ".join(f"(epoch = {int(epoch)} AND chunk < {int(n)})" for epoch, n in rolled.items() if n) or "0"
    tick_time, minute_time = _IN_TIME.format(column="time_msc"), _IN_TIME.format(column="opens")
    return f"""
SELECT opens, argMin(first_open, epoch), max(highest), min(lowest), argMax(last_close, epoch), sum(counted) AS n,
    sum(spreads) / n
FROM (SELECT opens, epoch, argMin(open, first) AS first_open, max(high) AS highest, min(low) AS lowest,
    argMax(close, last) AS last_close, sum(ticks) AS counted, sum(spread) AS spreads
FROM (
    SELECT {_BUCKET.format(column="time_msc")} AS opens, epoch, argMin(bid, seq) AS open, max(bid) AS high,
        min(bid) AS low, argMax(bid, seq) AS close, min(seq) AS first, max(seq) AS last, count() AS ticks,
        sum(ask - bid) AS spread
    FROM market.ticks WHERE {STREAM} AND {tick_time} AND ({newer}) GROUP BY opens, epoch
    UNION ALL
    SELECT bucket, epoch, argMin(open, first_seq), max(high), min(low), argMax(close, last_seq),
        min(first_seq), max(last_seq), sum(ticks), sum(spread_sum)
    FROM (
        SELECT *, {_BUCKET.format(column="opens")} AS bucket FROM market.minutes FINAL
        WHERE {STREAM} AND {minute_time} AND ({older})
    ) GROUP BY bucket, epoch
) GROUP BY opens, epoch) GROUP BY opens ORDER BY opens DESC LIMIT {{limit:UInt32}}
"""  # noqa: S608 numbers of our own and bound parameters

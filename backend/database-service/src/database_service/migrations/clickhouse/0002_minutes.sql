-- Minutes of every complete chunk of 65,536 ticks of a stream, so that a chart of years doesn't read years of ticks.
-- A chunk never changes once it is complete, and making its minutes again makes the same rows.
CREATE TABLE IF NOT EXISTS market.minutes
(
    tenant LowCardinality(String),
    account LowCardinality(String),
    symbol LowCardinality(String),
    epoch UInt64 CODEC(Delta, ZSTD(1)),
    chunk UInt64 CODEC(Delta, ZSTD(1)),
    opens Int64 CODEC(Delta, ZSTD(1)),
    open Float64 CODEC(ZSTD(1)),
    high Float64 CODEC(ZSTD(1)),
    low Float64 CODEC(ZSTD(1)),
    close Float64 CODEC(ZSTD(1)),
    first_seq UInt64 CODEC(Delta, ZSTD(1)),
    last_seq UInt64 CODEC(Delta, ZSTD(1)),
    ticks UInt64 CODEC(ZSTD(1)),
    spread_sum Float64 CODEC(ZSTD(1)),
    INDEX by_time opens TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, account, symbol, epoch, chunk, opens)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

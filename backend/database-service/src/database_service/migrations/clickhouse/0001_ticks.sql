-- Ticks, ordered so that a stream lies together. Inserts are synced to disk: the terminal forgets what is stored here.
CREATE TABLE IF NOT EXISTS market.ticks
(
    tenant LowCardinality(String),
    account LowCardinality(String),
    symbol LowCardinality(String),
    epoch UInt64 CODEC(Delta, ZSTD(1)),
    seq UInt64 CODEC(Delta, ZSTD(1)),
    time_msc Int64 CODEC(Delta, ZSTD(1)),
    received_ms Int64 CODEC(Delta, ZSTD(1)),
    bridge_ms Int64 CODEC(Delta, ZSTD(1)),
    stored_ms Int64 CODEC(Delta, ZSTD(1)),
    bid Float64 CODEC(ZSTD(1)),
    ask Float64 CODEC(ZSTD(1)),
    last Float64 CODEC(ZSTD(1)),
    volume_real Float64 CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    marks UInt8 CODEC(ZSTD(1)),
    INDEX by_time time_msc TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, account, symbol, epoch, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    non_replicated_deduplication_window = 1000;

-- Rows found beyond a hole at the start: kept for inspection, out of the way of the same numbers sent again.
CREATE TABLE IF NOT EXISTS market.ticks_aside AS market.ticks
ENGINE = MergeTree
ORDER BY (tenant, account, symbol, epoch, seq);

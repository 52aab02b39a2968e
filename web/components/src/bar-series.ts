// The candles of one symbol and timeframe: history from the store, the last bar from live bids.
import type { BarView } from "@web/contracts";

/** timeframe → length in ms; the names are MT5's */
export const TIMEFRAMES: Readonly<Record<string, number>> = {
  M1: 60_000,
  M5: 300_000,
  M15: 900_000,
  M30: 1_800_000,
  H1: 3_600_000,
  H4: 14_400_000,
  D1: 86_400_000,
};

/** Call `merge` with each page of history, then `tick` with every new quote. Bars are kept in order of time. */
export class BarSeries {
  bars: BarView[] = [];

  constructor(private readonly lengthMs: number) {}

  /** Take stored bars: they replace what is known of the same minute, except that a live bar keeps its own extremes. */
  merge(stored: readonly BarView[]): void {
    const byTime = new Map(this.bars.map((bar) => [bar.time_ms, bar]));
    const last = this.bars.at(-1);
    for (const bar of stored) byTime.set(bar.time_ms, bar.time_ms === last?.time_ms ? joined(bar, last) : bar);
    this.bars = [...byTime.values()].toSorted((a, b) => a.time_ms - b.time_ms);
  }

  /** The bar that a quote makes or changes; undefined when the quote is older than the last bar or there is no history. */
  tick(timeMs: number, bid: number, high: number, low: number): BarView | undefined {
    const last = this.bars.at(-1);
    if (last === undefined || !(bid > 0)) return undefined;
    const open = Math.floor(timeMs / this.lengthMs) * this.lengthMs;
    if (open < last.time_ms) return undefined;
    if (open > last.time_ms) {
      // Extremes may reach back into the bar before: a new bar starts from the bid alone.
      const bar = { time_ms: open, open: bid, high: bid, low: bid, close: bid, tick_volume: 1 };
      this.bars.push(bar);
      return bar;
    }
    const bar = { ...last, high: Math.max(last.high, high, bid), low: Math.min(last.low, low, bid), close: bid };
    this.bars[this.bars.length - 1] = bar;
    return bar;
  }
}

/** A stored bar may lag behind the live one by seconds: the wider extremes and the live close are the truth. */
function joined(stored: BarView, live: BarView): BarView {
  return { ...stored, high: Math.max(stored.high, live.high), low: Math.min(stored.low, live.low), close: live.close };
}

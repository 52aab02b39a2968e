// The newest quote of every symbol, outside React: the stream writes at any rate, the screen reads once per frame.
import type { PriceSource, StreamTicks, SymbolView } from "@web/contracts";

export const STALE_AFTER_MS = 2_000;

/** One symbol of one account. `high` and `low` are the bid's extremes since the last flush: the chart must not miss them. */
export interface Quote {
  readonly key: string;
  readonly account: string;
  readonly symbol: string;
  description: string;
  digits: number;
  point: number;
  source: PriceSource;
  /** Lots as decimal digits; "0" while the terminal has not told. */
  volume_min: string;
  volume_max: string;
  volume_step: string;
  bid: number;
  ask: number;
  time_msc: number;
  received_ms: number;
  high: number;
  low: number;
  /** -1, 0 or 1: how the last different bid compares with the one before. */
  move: number;
}

export type FlushListener = (changed: ReadonlySet<Quote>) => void;
export type Schedule = (flush: () => void) => void;

export function keyOf(account: string, symbol: string): string {
  return `${account}\u0000${symbol}`;
}

function minuteOf(ms: number): number {
  return Math.floor(ms / 60_000);
}

function newQuote(key: string, view: SymbolView): Quote {
  const { account, symbol, description, digits, point, source, volume_min, volume_max, volume_step } = view;
  const blank = { bid: 0, ask: 0, time_msc: 0, received_ms: 0, high: 0, low: 0, move: 0 };
  return { key, account, symbol, description, digits, point, source, volume_min, volume_max, volume_step, ...blank };
}

type Row = StreamTicks["d"][number];

function isRow(row: unknown): row is Row {
  return (
    Array.isArray(row) &&
    typeof row[0] === "string" &&
    typeof row[1] === "string" &&
    [row[2], row[3], row[4], row[5], row[7], row[8]].every((value) => Number.isFinite(value))
  );
}

/** Call `load` with each snapshot and `apply` with each frame of ticks; listeners hear once per animation frame. */
export class TickStore {
  /** account and symbol → newest quote */
  private readonly quotes = new Map<string, Quote>();
  private readonly changed = new Set<Quote>();
  private readonly listeners = new Set<FlushListener>();
  private scheduled = false;
  /** Rows thrown away because they were not what the contract says. */
  refused = 0;

  constructor(private readonly schedule: Schedule) {}

  get(key: string): Quote | undefined {
    return this.quotes.get(key);
  }

  all(): Quote[] {
    return [...this.quotes.values()];
  }

  /** Take a REST snapshot: it brings new symbols and their digits, and never replaces a newer quote by an older one. */
  load(symbols: readonly SymbolView[]): void {
    for (const view of symbols) {
      const key = keyOf(view.account, view.symbol);
      const known = this.quotes.get(key);
      const quote = known ?? newQuote(key, view);
      quote.description = view.description;
      quote.digits = view.digits;
      quote.point = view.point;
      quote.source = view.source;
      quote.volume_min = view.volume_min;
      quote.volume_max = view.volume_max;
      quote.volume_step = view.volume_step;
      this.quotes.set(key, quote);
      this.put(quote, view.time_msc, view.received_ms, view.bid, view.ask, view.bid, view.bid);
      this.changed.add(quote);
    }
    this.wake();
  }

  /** Take one frame of ticks. Returns how many rows name a symbol that no snapshot has brought: fetch one then. */
  apply(message: StreamTicks): number {
    let unknown = 0;
    for (const row of message.d as readonly unknown[]) {
      if (!isRow(row)) {
        this.refused += 1;
        continue;
      }
      const quote = this.quotes.get(keyOf(row[0], row[1]));
      if (quote === undefined) {
        unknown += 1;
        continue;
      }
      this.put(quote, row[2], row[3], row[4], row[5], row[7], row[8]);
    }
    this.wake();
    return unknown;
  }

  /** Hear of changed quotes once per frame; returns how to stop. */
  subscribe(listener: FlushListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private put(
    quote: Quote,
    time: number,
    received: number,
    bid: number,
    ask: number,
    high: number,
    low: number,
  ): void {
    if (received < quote.received_ms) return;
    if (quote.bid > 0 && bid !== quote.bid) quote.move = bid > quote.bid ? 1 : -1;
    // A hidden tab flushes nothing for minutes: extremes of an earlier minute do not belong to the bar of this one.
    const pending = this.changed.has(quote) && minuteOf(quote.time_msc) === minuteOf(time);
    quote.high = pending ? Math.max(quote.high, high) : high;
    quote.low = pending && quote.low > 0 ? Math.min(quote.low, low) : low;
    quote.bid = bid;
    quote.ask = ask;
    quote.time_msc = time;
    quote.received_ms = received;
    this.changed.add(quote);
  }

  private wake(): void {
    if (this.scheduled || this.changed.size === 0) return;
    this.scheduled = true;
    this.schedule(() => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    const changed = new Set(this.changed);
    this.changed.clear();
    for (const listener of this.listeners) listener(changed);
  }
}

/** Whether nothing was received for longer than two seconds; undefined while the server's clock is not known. */
export function isStale(receivedMs: number, nowMs: number | undefined): boolean | undefined {
  if (nowMs === undefined || !(receivedMs > 0)) return undefined;
  return nowMs - receivedMs > STALE_AFTER_MS;
}

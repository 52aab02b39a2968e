// Keep one chart true: fetch its history, follow its quotes, fetch again after a gap, and older bars when asked.
import type { BarsView } from "@web/contracts";
import { ask, withQuery } from "@web/components/api.ts";
import { BarSeries, TIMEFRAMES } from "@web/components/bar-series.ts";
import type { Quote } from "@web/components/tick-store.ts";
import type { Platform } from "../../shared/platform.ts";
import type { CandleChart } from "./candle-chart.ts";

export type BarsState = "loading" | "shown" | "empty" | "failed";

export interface LiveBarsPorts {
  readonly platform: Platform;
  readonly chart: CandleChart;
  readonly quote: Quote;
  readonly timeframe: string;
  readonly onState: (state: BarsState) => void;
}

const PAGE = 500;
const FRAME_MS = 50;
const RETRY_MS = 3_000;

/** `start` returns how to stop. Nothing is drawn after that, whatever is still on its way. */
export class LiveBars {
  private readonly series: BarSeries;
  private readonly abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawing: ReturnType<typeof setTimeout> | undefined;
  private fetching = false;
  private exhausted = false;
  private drawn = false;
  /** Extremes of quotes not yet drawn, so that a wick between two frames is not lost. */
  private pending: { high: number; low: number } | undefined;
  private drawnAt = 0;

  constructor(private readonly ports: LiveBarsPorts) {
    this.series = new BarSeries(TIMEFRAMES[ports.timeframe] ?? 60_000);
  }

  start(): () => void {
    const { platform } = this.ports;
    const stops = [
      platform.ticks.subscribe((changed) => changed.has(this.ports.quote) && this.follow()),
      platform.onBehind(() => void this.newest()),
    ];
    this.ports.onState("loading");
    this.ports.chart.show([], this.ports.quote.digits, false);
    void this.newest();
    return () => {
      for (const stop of stops) stop();
      clearTimeout(this.timer);
      clearTimeout(this.drawing);
      this.abort.abort();
    };
  }

  /** Fetch the page before the oldest bar, once at a time, until there is none. */
  async older(): Promise<void> {
    const first = this.series.bars[0];
    if (!this.drawn || first === undefined || this.fetching || this.exhausted) return;
    this.fetching = true;
    try {
      const bars = await this.fetch(first.time_ms - 1);
      const known = this.series.bars.length;
      this.series.merge(bars);
      this.exhausted = this.series.bars.length === known;
      if (!this.exhausted) this.draw(false);
    } catch {
      // The next move of the chart asks again.
    } finally {
      this.fetching = false;
    }
  }

  private async newest(): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.series.merge(await this.fetch(undefined));
      this.ports.onState(this.series.bars.length === 0 ? "empty" : "shown");
      this.draw(!this.drawn);
      // A young history has no bars yet: look again until it has one.
      if (this.series.bars.length === 0) this.again();
    } catch {
      if (this.abort.signal.aborted) return;
      if (!this.drawn) this.ports.onState("failed");
      this.again();
    }
  }

  private again(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.newest(), RETRY_MS);
  }

  private async fetch(toMs: number | undefined): Promise<BarsView["bars"]> {
    const { quote, timeframe } = this.ports;
    const query = { account: quote.account, symbol: quote.symbol, timeframe, to_ms: toMs, limit: PAGE };
    const view = await ask<BarsView>(withQuery("/api/v1/bars", query), { signal: this.abort.signal });
    this.abort.signal.throwIfAborted();
    return view.bars;
  }

  private draw(fresh: boolean): void {
    this.drawn = this.series.bars.length > 0;
    this.ports.chart.show(this.series.bars, this.ports.quote.digits, fresh && this.drawn);
  }

  /** At most 20 times a second: more cannot be seen, and the chart's own frame is the costly one. */
  private follow(): void {
    const { quote } = this.ports;
    const held = this.pending ?? { high: quote.high, low: quote.low };
    this.pending = { high: Math.max(held.high, quote.high), low: Math.min(held.low, quote.low) };
    if (!this.drawn || this.drawing !== undefined) return;
    const wait = Math.max(0, this.drawnAt + FRAME_MS - performance.now());
    if (wait === 0) this.drawLast();
    else this.drawing = setTimeout(() => this.drawLast(), wait);
  }

  private drawLast(): void {
    const { quote, chart } = this.ports;
    const { high, low } = this.pending ?? quote;
    this.drawing = undefined;
    this.pending = undefined;
    this.drawnAt = performance.now();
    const bar = this.series.tick(quote.time_msc, quote.bid, high, low);
    if (bar !== undefined) chart.update(bar);
  }
}

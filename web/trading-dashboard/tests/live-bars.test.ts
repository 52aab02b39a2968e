// What the chart promises: history first, then live bids; a hole is filled from the store; nothing is drawn after it has gone.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BarView } from "@web/contracts";
import { TickStore } from "@web/components/tick-store.ts";
import { row, settled, symbolView, ticksOf } from "../../components/tests/fakes.ts";
import type { CandleChart } from "../features/chart/candle-chart.ts";
import { LiveBars } from "../features/chart/live-bars.ts";
import type { Platform } from "../shared/platform.ts";

const bar = (time_ms: number): BarView => ({ time_ms, open: 1.1, high: 1.1, low: 1.1, close: 1.1, tick_volume: 1 });
const asked: string[] = [];
let stored: BarView[] = [];
let broken = false;

beforeEach(() => {
  asked.length = 0;
  stored = [bar(0), bar(60_000)];
  broken = false;
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    if (broken) throw new TypeError("no network");
    const to = Number(new URL(path, "http://x").searchParams.get("to_ms") ?? Infinity);
    return Response.json({ symbol: "EURUSD", timeframe: "M1", bars: stored.filter((each) => each.time_ms <= to) });
  });
});
afterEach(() => vi.unstubAllGlobals());

function made() {
  let flush = (): void => undefined;
  let behind = (): void => undefined;
  const ticks = new TickStore((run) => (flush = run));
  ticks.load([symbolView()]);
  flush();
  const onBehind = (listener: () => void) => {
    behind = listener;
    return () => undefined;
  };
  const shown: number[] = [];
  const updates: BarView[] = [];
  const states: string[] = [];
  const chart = { show: (bars: readonly BarView[]) => shown.push(bars.length), update: (each: BarView) => updates.push(each) };
  const quote = ticks.all()[0];
  if (quote === undefined) throw new Error("the snapshot brought no symbol");
  const bars = new LiveBars({
    platform: { ticks, onBehind } as unknown as Platform,
    chart: chart as unknown as CandleChart,
    quote,
    timeframe: "M1",
    onState: (state) => states.push(state),
  });
  const tick = (receivedMs: number, bid: number, high = bid, low = bid): void => {
    ticks.apply(ticksOf(row(receivedMs, bid, high, low)));
    flush();
  };
  return { bars, shown, updates, states, tick, miss: () => behind() };
}

describe("chart", () => {
  it("draws history, then follows the bid with its extremes", async () => {
    const { bars, shown, updates, states, tick } = made();
    const stop = bars.start();
    tick(61_000, 1.5);
    expect(updates).toEqual([]);
    await settled();
    expect([shown, states]).toEqual([[0, 2], ["loading", "shown"]]);
    tick(62_000, 1.2, 1.3, 1.0);
    expect(updates.at(-1)).toMatchObject({ time_ms: 60_000, high: 1.5, low: 1.0, close: 1.2 });
    stop();
  });

  it("draws the last of a burst although it comes within the pause", async () => {
    const { bars, updates, tick } = made();
    const stop = bars.start();
    await settled();
    tick(62_000, 1.2);
    tick(62_001, 1.3);
    tick(62_002, 1.25);
    expect(updates).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(updates.at(-1)).toMatchObject({ high: 1.3, close: 1.25 });
    stop();
  });

  it("fetches again when messages were missed", async () => {
    const { bars, shown, miss } = made();
    const stop = bars.start();
    await settled();
    stored = [bar(0), bar(60_000), bar(120_000)];
    miss();
    await settled();
    expect(shown.at(-1)).toBe(3);
    stop();
  });

  it("asks for older bars until there are none", async () => {
    const { bars, shown } = made();
    const stop = bars.start();
    await settled();
    stored = [bar(-60_000), ...stored];
    await bars.older();
    await bars.older();
    await bars.older();
    expect(shown.at(-1)).toBe(3);
    expect(asked.filter((path) => path.includes("to_ms"))).toHaveLength(2);
    stop();
  });

  it("says so when the store does not answer or has nothing", async () => {
    broken = true;
    const first = made();
    const stopFirst = first.bars.start();
    await settled();
    broken = false;
    stored = [];
    const second = made();
    const stopSecond = second.bars.start();
    await settled();
    expect([first.states.at(-1), second.states.at(-1)]).toEqual(["failed", "empty"]);
    stopFirst();
    stopSecond();
  });

  it("draws nothing after it was stopped", async () => {
    const { bars, shown, updates, tick } = made();
    bars.start()();
    await settled();
    tick(62_000, 1.2);
    expect([shown, updates]).toEqual([[0], []]);
  });
});

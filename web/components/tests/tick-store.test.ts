// What the store of quotes promises: newest wins, one flush per frame, nothing stale is called fresh.
import { describe, expect, it } from "vitest";
import { isStale, keyOf, type Quote, TickStore } from "../src/tick-store.ts";
import { row, symbolView, ticksOf } from "./fakes.ts";

function made() {
  const frames: (() => void)[] = [];
  const store = new TickStore((flush) => frames.push(flush));
  const flushes: Quote[][] = [];
  store.subscribe((changed) => flushes.push(structuredClone([...changed])));
  const frame = (): void => frames.splice(0).forEach((flush) => flush());
  return { store, frames, flushes, frame };
}

describe("conflation", () => {
  it("paints once per frame however many ticks arrive", () => {
    const { store, frames, flushes, frame } = made();
    store.load([symbolView()]);
    for (let n = 1; n <= 1_000; n += 1) store.apply(ticksOf(row(60_001 + n, 1.1 + n / 100_000)));
    expect(frames).toHaveLength(1);
    frame();
    expect(flushes).toHaveLength(1);
    expect(flushes[0]?.[0]?.bid).toBe(1.11);
  });

  it("keeps the extremes of ticks that were never painted", () => {
    const { store, flushes, frame } = made();
    store.load([symbolView()]);
    frame();
    store.apply(ticksOf(row(61_000, 1.2, 1.3, 1.1)));
    store.apply(ticksOf(row(61_001, 1.2, 1.2, 1.0)));
    frame();
    expect(flushes[1]?.[0]).toMatchObject({ bid: 1.2, high: 1.3, low: 1.0 });
  });

  it("does not carry extremes into another minute", () => {
    const { store, flushes, frame } = made();
    store.load([symbolView()]);
    frame();
    store.apply(ticksOf(row(61_000, 1.2, 9, 0.5)));
    store.apply(ticksOf(row(121_000, 1.2)));
    frame();
    expect(flushes[1]?.[0]).toMatchObject({ high: 1.2, low: 1.2 });
  });

  it("asks for no frame when nothing has changed", () => {
    const { store, frames } = made();
    store.apply(ticksOf());
    expect(frames).toHaveLength(0);
  });
});

describe("what gets in", () => {
  it("ignores a quote older than the one it has", () => {
    const { store } = made();
    store.load([symbolView({ received_ms: 70_000, bid: 1.5 })]);
    store.apply(ticksOf(row(69_999, 1.4)));
    expect(store.get(keyOf("1", "EURUSD"))?.bid).toBe(1.5);
  });

  it("does not let a late snapshot replace a newer live quote", () => {
    const { store } = made();
    store.load([symbolView()]);
    store.apply(ticksOf(row(80_000, 1.4)));
    store.load([symbolView({ received_ms: 70_000, bid: 1.3, digits: 3 })]);
    expect(store.get(keyOf("1", "EURUSD"))).toMatchObject({ bid: 1.4, digits: 3 });
  });

  it("tells how many rows name a symbol that no snapshot has brought", () => {
    const { store } = made();
    expect(store.apply(ticksOf(row(1, 1.1)))).toBe(1);
    expect(store.all()).toHaveLength(0);
  });

  it("keeps the same symbol of two accounts apart", () => {
    const { store } = made();
    store.load([symbolView(), symbolView({ account: "2", bid: 2 })]);
    store.apply(ticksOf(row(61_000, 1.4)));
    expect(store.all().map((quote) => quote.bid)).toEqual([1.4, 2]);
  });

  it("counts and drops a row that is not a quote", () => {
    const { store } = made();
    store.load([symbolView()]);
    const bad = ["1", "EURUSD", 61_000, 61_000, null, 1.1, 1, 1.1, 1.1] as unknown as ReturnType<typeof row>;
    store.apply(ticksOf(bad));
    expect(store.refused).toBe(1);
    expect(store.get(keyOf("1", "EURUSD"))?.bid).toBe(1.1);
  });

  it("remembers which way the bid moved, and forgets it not on an equal bid", () => {
    const { store } = made();
    store.load([symbolView()]);
    store.apply(ticksOf(row(61_000, 1.0)));
    store.apply(ticksOf(row(61_001, 1.0)));
    expect(store.get(keyOf("1", "EURUSD"))?.move).toBe(-1);
  });

  it("stops telling a listener that has gone", () => {
    const { store, frame } = made();
    let heard = 0;
    const stop = store.subscribe(() => (heard += 1));
    store.load([symbolView()]);
    frame();
    stop();
    store.apply(ticksOf(row(61_000, 1.2)));
    frame();
    expect(heard).toBe(1);
  });
});

describe("staleness", () => {
  it("begins after two seconds of silence", () => {
    expect(isStale(10_000, 12_000)).toBe(false);
    expect(isStale(10_000, 12_001)).toBe(true);
  });

  it("is not known without a server clock or a first quote", () => {
    expect(isStale(10_000, undefined)).toBeUndefined();
    expect(isStale(0, 12_000)).toBeUndefined();
  });
});

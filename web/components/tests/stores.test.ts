// What the slower stores promise: newer pictures win, bars stay true, the server's clock is found, failures have sentences.
import { describe, expect, it } from "vitest";
import type { BarView } from "@web/contracts";
import { ask, Refusal, sentenceOf, withQuery } from "../src/api.ts";
import { BarSeries } from "../src/bar-series.ts";
import { ServerClock } from "../src/clock.ts";
import { KEEP, Ledger } from "../src/ledger.ts";
import { accountView, executionView, orderView } from "./fakes.ts";

const bar = (time_ms: number, open = 1, high = 1, low = 1, close = 1): BarView => ({ time_ms, open, high, low, close, tick_volume: 1 });

describe("ledger", () => {
  it("does not call unknown what is empty, nor empty what is unknown", () => {
    const ledger = new Ledger();
    expect(ledger.view.orders).toBeUndefined();
    ledger.takeOrders([]);
    expect(ledger.view.orders).toEqual([]);
  });

  it("keeps the newer picture of an order, whichever way it came", () => {
    const ledger = new Ledger();
    ledger.takeOrders([orderView({ state: "FILLED", updated_ms: 9 })]);
    ledger.takeOrders([orderView({ state: "SUBMITTED", updated_ms: 5 })]);
    expect(ledger.view.orders?.map((order) => order.state)).toEqual(["FILLED"]);
  });

  it("keeps the newer picture of an account", () => {
    const ledger = new Ledger();
    ledger.takeAccounts([accountView({ taken_ms: 9, equity: "9" }), accountView({ account: "0" })]);
    ledger.takeAccounts([accountView({ taken_ms: 5, equity: "5" })]);
    expect(ledger.view.accounts?.map((each) => [each.account, each.equity])).toEqual([["0", "100.00"], ["1", "9"]]);
  });

  it("holds a bounded number of orders, the newest", () => {
    const ledger = new Ledger();
    ledger.takeOrders(Array.from({ length: KEEP + 50 }, (_, n) => orderView({ id: `o${n}`, created_ms: n })));
    expect(ledger.view.orders).toHaveLength(KEEP);
    expect(ledger.view.orders?.[0]?.id).toBe(`o${KEEP + 49}`);
  });

  it("takes an execution once, however often it is told", () => {
    const ledger = new Ledger();
    ledger.takeExecutions([executionView(), executionView(), executionView({ signal_id: "s2" })]);
    expect(ledger.view.executions).toHaveLength(2);
  });

  it("makes a new view for every change, so that React sees it", () => {
    const ledger = new Ledger();
    const before = ledger.view;
    let heard = 0;
    const stop = ledger.subscribe(() => (heard += 1));
    ledger.takeAccounts([accountView()]);
    stop();
    ledger.takeAccounts([accountView()]);
    expect(ledger.view).not.toBe(before);
    expect(heard).toBe(1);
  });
});

describe("bars", () => {
  it("follow a quote within the last bar", () => {
    const series = new BarSeries(60_000);
    series.merge([bar(60_000), bar(0)]);
    expect(series.tick(61_000, 1.2, 1.5, 0.9)).toMatchObject({ time_ms: 60_000, open: 1, high: 1.5, low: 0.9, close: 1.2 });
  });

  it("open a new bar from the bid alone", () => {
    const series = new BarSeries(60_000);
    series.merge([bar(0)]);
    expect(series.tick(125_000, 1.2, 9, 0.1)).toMatchObject({ time_ms: 120_000, open: 1.2, high: 1.2, low: 1.2 });
  });

  it("ignore a quote older than the last bar, and any quote before there is history", () => {
    const series = new BarSeries(60_000);
    expect(series.tick(1, 1, 1, 1)).toBeUndefined();
    series.merge([bar(60_000)]);
    expect(series.tick(59_999, 2, 2, 2)).toBeUndefined();
  });

  it("fill a hole from the store without losing the live bar's extremes", () => {
    const series = new BarSeries(60_000);
    series.merge([bar(0), bar(120_000)]);
    series.tick(121_000, 2, 3, 0.5);
    series.merge([bar(0), bar(60_000), bar(120_000, 1, 1.1, 0.9, 1.05)]);
    expect(series.bars.map((each) => each.time_ms)).toEqual([0, 60_000, 120_000]);
    expect(series.bars.at(-1)).toMatchObject({ high: 3, low: 0.5, close: 2 });
  });
});

describe("server clock", () => {
  it("takes the least delayed stamp and runs on between stamps", () => {
    let local = 0;
    const clock = new ServerClock(() => local);
    expect(clock.now()).toBeUndefined();
    clock.hear(1_000);
    local = 100;
    clock.hear(1_040);
    expect(clock.now()).toBe(1_100);
    local = 200;
    clock.hear(1_250);
    expect(clock.now()).toBe(1_250);
  });

  it("follows a drift within half a minute", () => {
    let local = 0;
    const clock = new ServerClock(() => local);
    clock.hear(1_000);
    local = 30_001;
    clock.hear(30_000);
    expect(clock.now()).toBe(30_000);
  });
});

describe("asking the gateway", () => {
  const answer = (status: number, body: unknown) => () => Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));

  it("turns a Problem into a sentence with the id that finds it", async () => {
    const refused = ask("/x", {}, answer(409, { code: "exists", reason: "A user exists.", error_id: "e7" }));
    await expect(refused).rejects.toMatchObject({ status: 409, code: "exists", sentence: "A user exists. (error e7)" });
  });

  it("says so when the answer is no Problem, no JSON or does not come", async () => {
    await expect(ask("/x", {}, answer(502, undefined))).rejects.toMatchObject({ code: "no_problem" });
    await expect(ask("/x", {}, () => Promise.resolve(new Response("<html>")))).rejects.toMatchObject({ code: "not_json" });
    await expect(ask("/x", {}, () => Promise.reject(new TypeError("failed")))).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });

  it("sends the CSRF token and the idempotency key of a change", async () => {
    let sent: RequestInit = {};
    const send = (_path: string, init: RequestInit): Promise<Response> => {
      sent = init;
      return answer(204, undefined)();
    };
    await ask("/x", { method: "POST", body: { a: 1 }, csrf: "c", idempotencyKey: "k" }, send);
    expect(sent.headers).toMatchObject({ "X-CSRF-Token": "c", "Idempotency-Key": "k", "Content-Type": "application/json" });
    expect(sent.body).toBe('{"a":1}');
  });

  it("leaves undefined out of a query and escapes the rest", () => {
    expect(withQuery("/x", { symbol: "EUR/USD#", to_ms: undefined, limit: 5 })).toBe("/x?symbol=EUR%2FUSD%23&limit=5");
    expect(withQuery("/x", {})).toBe("/x");
  });

  it("has a sentence for anything that is thrown", () => {
    expect(sentenceOf(new Refusal(500, "x", "Broken."))).toBe("Broken.");
    expect(sentenceOf(new Error("odd"))).toBe("odd");
    expect(sentenceOf("?")).toContain("unexpected");
  });
});

// @vitest-environment happy-dom
// How live numbers reach the page: straight into text nodes, and only when they have changed.
import { beforeEach, describe, expect, it } from "vitest";
import { Painter } from "../src/painter.ts";
import { keyOf, TickStore } from "../src/tick-store.ts";
import { row, symbolView, ticksOf } from "./fakes.ts";

const KEY = keyOf("1", "EURUSD");
let now: number | undefined;
let flush: () => void;
let ticks: TickStore;
let painter: Painter;

beforeEach(() => {
  now = 60_101;
  flush = () => undefined;
  ticks = new TickStore((run) => (flush = run));
  painter = new Painter(ticks, () => now);
  document.body.innerHTML = "<table><tbody><tr><td><span></span></td></tr></tbody></table>";
});

const cell = (): HTMLElement => document.querySelector("span") as HTMLElement;

describe("painter", () => {
  it("shows a dash until there is a quote", () => {
    painter.add(KEY, "bid", cell());
    expect(cell().textContent).toBe("–");
  });

  it("writes the newest quote on the frame, into the same text node", () => {
    painter.add(KEY, "bid", cell());
    const text = cell().firstChild;
    ticks.load([symbolView()]);
    expect(cell().textContent).toBe("–");
    flush();
    ticks.apply(ticksOf(row(60_100, 1.2)));
    flush();
    expect(cell().textContent).toBe("1.20000");
    expect(cell().firstChild).toBe(text);
    expect(cell().classList.contains("up")).toBe(true);
  });

  it("counts an age up while nothing arrives, then marks the row stale, and takes the mark back", () => {
    ticks.load([symbolView()]);
    flush();
    painter.add(KEY, "stale", cell());
    const line = document.querySelector("tr") as HTMLElement;
    expect(cell().textContent).toBe("");
    now = 62_002;
    painter.pulse();
    expect([cell().textContent, line.hasAttribute("data-stale")]).toEqual(["stale", true]);
    ticks.apply(ticksOf(row(62_001, 1.2)));
    flush();
    expect([cell().textContent, line.hasAttribute("data-stale")]).toEqual(["", false]);
  });

  it("does not invent an age before the server's clock is known", () => {
    ticks.load([symbolView()]);
    flush();
    now = undefined;
    painter.add(KEY, "age", cell());
    expect(cell().textContent).toBe("–");
    now = 61_501;
    painter.pulse();
    expect(cell().textContent).toBe("1.5 s");
  });

  it("writes nothing any more once the cell has gone", () => {
    ticks.load([symbolView()]);
    flush();
    const stop = painter.add(KEY, "ask", cell());
    stop();
    ticks.apply(ticksOf(row(60_500, 1.3)));
    flush();
    expect(cell().textContent).toBe("1.10020");
  });
});

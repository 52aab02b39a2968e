// What the trading page decides by itself: who may trade, where signing in leads, what is said of the terminals.
import { describe, expect, it, vi } from "vitest";
import { accountView } from "../../components/tests/fakes.ts";
import { marksOf } from "../features/chart/marks.ts";
import { terminalsSaid } from "../features/connection/connection-states.tsx";
import { afterSignIn } from "../features/sign-in/sign-in.tsx";
import { mayTrade, newKey } from "../shared/commands.ts";

describe("commands", () => {
  it("are for traders and administrators only", () => {
    expect(["viewer", "trader", "admin", "", "Admin"].map((role) => mayTrade(role))).toEqual([false, true, true, false, false]);
  });

  it("have a key of their own each", () => {
    expect(newKey()).not.toBe(newKey());
  });

  it("have a key on a page without a secure context too", () => {
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(171) });
    expect(newKey()).toBe("ab".repeat(16));
    vi.unstubAllGlobals();
  });
});

describe("signing in", () => {
  it("leads to one of two pages, whatever the address says", () => {
    expect(["?next=admin", "", "?next=https://evil.example/", "?next=//evil.example"].map((search) => afterSignIn(search))).toEqual(["/admin/", "/", "/", "/"]);
  });
});

describe("the terminals' state", () => {
  const connected = accountView();
  const cut = accountView({ account: "2", connected: false });

  it("counts who reaches the broker", () => {
    expect(terminalsSaid([connected, cut], "live")).toEqual({ shade: "bad", text: "1 of 2 connected" });
    expect(terminalsSaid([connected], "live").shade).toBe("good");
  });

  it("is unknown while the stream is not live, however good it was", () => {
    expect(terminalsSaid([connected], "lost").text).toBe("–");
    expect(terminalsSaid(undefined, "live").text).toBe("–");
  });

  it("says when there is no terminal", () => {
    expect(terminalsSaid([], "live").text).toBe("no terminal yet");
  });
});

describe("lines on the chart", () => {
  const position = { ticket: 1, side: "SELL", volume: "0.10", price_current: 1, profit: "0", swap: "0", time_ms: 1, magic: 0, comment: "" } as const;

  it("show entry, stop loss and take profit of this symbol's positions, without the levels that are not set", () => {
    const positions = [
      { ...position, symbol: "EURUSD", price_open: 1.1, sl: 1.2, tp: 0 },
      { ...position, symbol: "XAUUSD", price_open: 2_600, sl: 0, tp: 0 },
    ];
    expect(marksOf(positions, "EURUSD")).toEqual([
      { price: 1.1, title: "Sell 0.10", kind: "open" },
      { price: 1.2, title: "SL", kind: "stop" },
    ]);
  });
});

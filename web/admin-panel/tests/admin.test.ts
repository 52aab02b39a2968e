// What the admin page decides by itself: how old a heartbeat is, and which refusals it lists.
import { describe, expect, it } from "vitest";
import type { ServiceView } from "@web/contracts";
import { accountView } from "../../components/tests/fakes.ts";
import { gaps, refusals } from "../features/accounts/account-feeds.tsx";
import { heartbeatAge } from "../features/services/services.tsx";

const service = (heartbeat_age_ms: number): ServiceView => ({
  service: "data-bridge",
  state: "running",
  ready: true,
  pid: 1,
  port: 8001,
  version: "1",
  restarts: 0,
  started_ms: 1,
  heartbeat_age_ms,
  dependencies: [],
  kind: "service",
});

describe("a heartbeat", () => {
  it("grows older between two answers", () => {
    expect(heartbeatAge(service(900), 1_500)).toBe(2_400);
    expect(heartbeatAge(service(900), -5)).toBe(900);
  });

  it("has no age when none was ever heard", () => {
    expect(heartbeatAge(service(-1), 1_500)).toBeUndefined();
  });
});

describe("lost ticks", () => {
  it("are told newest first, with how many and why", () => {
    const gap = { symbol: "XAUUSD", from_ms: 1, to_ms: 2, ticks: 1_200, reason: "spool_full", recorded_ms: 3 };
    const account = accountView({ tick_gaps: [gap, { ...gap, symbol: "EURUSD", ticks: 0, reason: "not_read" }] });
    expect(gaps(account)).toEqual(["some of EURUSD, not read", "1,200 of XAUUSD, spool full"]);
  });
});

describe("refused ticks", () => {
  it("are listed by reason, most first, without reasons that never happened", () => {
    const account = accountView({ ticks_refused: { crossed: 0, backwards: 3, not_positive: 12 } });
    expect(refusals(account)).toEqual([["not_positive", 12], ["backwards", 3]]);
  });
});

// Risk limits: what they say, what a form means, and who is offered a yes.
import { describe, expect, it } from "vitest";
import type { LimitProposalView } from "@web/contracts";
import { accountOf, inWords, mayApprove, wishOf } from "../features/limits/words.ts";

const proposal = (changes: Partial<LimitProposalView>): LimitProposalView => ({
  id: "p1", account: "", max_volume: "5", max_orders_per_minute: null, allowed_symbols: [], because: "", state: "waiting",
  proposed_by: "ann", proposed_ms: 1, expires_ms: 2, decided_by: "", decided_ms: 0, own: false, ...changes,
});

describe("limits in words", () => {
  it("name each limit that there is", () => {
    expect(inWords({ max_volume: "0.5", max_orders_per_minute: 0, allowed_symbols: ["EURUSD", "XAUUSD"] })).toBe("at most 0.5 lots, 0 orders a minute, only EURUSD, XAUUSD");
    expect(inWords({ max_volume: null, max_orders_per_minute: null, allowed_symbols: [] })).toBe("no limit of its own");
    expect(accountOf("")).toBe("every account");
  });
});

describe("a form", () => {
  it("leaves out what was left empty", () => {
    expect(wishOf("1", " ", "", " ", "news", 3)).toEqual({ account: "1", max_volume: null, max_orders_per_minute: null, allowed_symbols: [], based_on: 3, because: "news" });
  });

  it("keeps a zero, which allows nothing", () => {
    expect(wishOf("", "0", "0", "EURUSD,  XAUUSD", "", 0)).toMatchObject({ max_volume: "0", max_orders_per_minute: 0, allowed_symbols: ["EURUSD", "XAUUSD"] });
  });

  it("says what is no number", () => {
    expect(() => wishOf("", "1e3", "", "", "", 0)).toThrow("Lots");
    expect(() => wishOf("", "", "1.5", "", "", 0)).toThrow("whole number");
  });
});

describe("a yes", () => {
  it("is offered to another person who may give it, while it waits", () => {
    expect(mayApprove(proposal({}), "risk_manager")).toBe(true);
    expect(mayApprove(proposal({ own: true }), "admin")).toBe(false);
    expect(mayApprove(proposal({}), "trader")).toBe(false);
    expect(mayApprove(proposal({ state: "expired" }), "admin")).toBe(false);
  });
});

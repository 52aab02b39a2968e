// Risk limits in words, and what a form's texts mean.
import type { LimitProposalView, LimitsView, LimitsWish } from "@web/contracts";

type Held = Pick<LimitsView, "max_volume" | "max_orders_per_minute" | "allowed_symbols">;

/** Whose limits: an empty account is each account. */
export function accountOf(account: string): string {
  return account === "" ? "every account" : account;
}

/** `at most 0.5 lots, 10 orders a minute, only EURUSD`. */
export function inWords(limits: Held): string {
  const parts = [
    limits.max_volume === null ? "" : `at most ${limits.max_volume} lots`,
    limits.max_orders_per_minute === null ? "" : `${limits.max_orders_per_minute} orders a minute`,
    limits.allowed_symbols.length === 0 ? "" : `only ${limits.allowed_symbols.join(", ")}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "no limit of its own" : parts.join(", ");
}

/** What was typed as a wish; an empty field is no limit of its own. Throws a sentence when it can't be one. */
export function wishOf(account: string, volume: string, orders: string, symbols: string, because: string, basedOn: number): LimitsWish {
  const lots = volume.trim();
  const rate = orders.trim();
  if (lots !== "" && !/^\d+(\.\d+)?$/.test(lots)) throw new Error("Lots are a number like 0.5.");
  if (rate !== "" && !/^\d+$/.test(rate)) throw new Error("Orders a minute are a whole number.");
  return {
    account,
    max_volume: lots === "" ? null : lots,
    max_orders_per_minute: rate === "" ? null : Number(rate),
    allowed_symbols: symbols.split(/[\s,]+/).filter((symbol) => symbol !== ""),
    based_on: basedOn,
    because,
  };
}

/** Whether this person's click can decide it: another person's proposal that waits. */
export function mayApprove(proposal: LimitProposalView, role: string): boolean {
  return proposal.state === "waiting" && !proposal.own && (role === "admin" || role === "risk_manager");
}

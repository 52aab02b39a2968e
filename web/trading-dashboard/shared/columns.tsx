// Columns that the tables of orders, executions and positions share, so that a side or a state looks the same everywhere.
import type { Side } from "@web/contracts";
import { words } from "@web/components/format.ts";

const GOOD = new Set(["FILLED"]);
const BAD = new Set(["DENIED", "REJECTED", "EXPIRED", "UNKNOWN"]);
const DONE = new Set(["CANCELED"]);

export function SideText({ side }: { readonly side: Side }) {
  return <span className={side === "BUY" ? "up" : "down"}>{side === "BUY" ? "Buy" : "Sell"}</span>;
}

/** FILLED is good, refusals and UNKNOWN are bad, whatever is still on its way waits. */
export function StateTag({ state }: { readonly state: string }) {
  const kind = GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : DONE.has(state) ? "" : "wait";
  return <span className={`tag ${kind}`.trim()}>{words(state)}</span>;
}

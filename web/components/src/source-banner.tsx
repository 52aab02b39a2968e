// Say on every page with prices when they are not a live market's: it cannot be missed or closed.
import type { PriceSource } from "@web/contracts";

interface Sourced {
  readonly account: string;
  readonly source: PriceSource;
}

const TITLES: Readonly<Record<Exclude<PriceSource, "live">, string>> = {
  simulated: "Simulated prices: not live",
  replay: "Replayed prices: not live",
  live_simulated: "Live quotes, simulated account",
};

/** The same in a table's cell. */
export function sourceWords(source: PriceSource): string {
  return source === "live_simulated" ? TITLES[source].toLowerCase() : source;
}

/** What the banner says: one line per kind of source that is not live, with the accounts it is about. */
export function sourceLines(things: readonly Sourced[]): { title: string; accounts: string[] }[] {
  return (["simulated", "replay", "live_simulated"] as const).flatMap((source) => {
    const accounts = [...new Set(things.filter((thing) => thing.source === source).map((thing) => thing.account))];
    return accounts.length === 0 ? [] : [{ title: TITLES[source], accounts: accounts.toSorted() }];
  });
}

/** `things` undefined: no terminal was heard yet, so where prices would come from is not known. */
export function SourceBanner({ things }: { readonly things: readonly Sourced[] | undefined }) {
  if (things === undefined || things.length === 0) {
    return <div className="banner unknown" role="status">No terminal has reported yet: there are no prices to show.</div>;
  }
  const lines = sourceLines(things);
  if (lines.length === 0) return null;
  return (
    <div className="banner" role="status">
      {lines.map((line) => (
        <div key={line.title}>
          {line.title} <span>· account {line.accounts.join(", ")}</span>
        </div>
      ))}
    </div>
  );
}

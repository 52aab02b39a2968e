// The watch list: every symbol with live bid, ask, spread and the age of its price.
"use client";
import { DataTable, type Column } from "@web/components/data-table.tsx";
import type { Quote } from "@web/components/tick-store.ts";
import { Live } from "../../shared/live.tsx";
import { useChosen, useLedger, useLink, useSymbols } from "../../shared/platform-context.tsx";
import { SymbolButton } from "../../shared/symbol-button.tsx";

const SYMBOL: Column<Quote> = {
  title: "Symbol",
  cell: (quote) => <SymbolButton account={quote.account} symbol={quote.symbol} />,
};
const ACCOUNT: Column<Quote> = { title: "Account", cell: (quote) => <span className="dim">{quote.account}</span> };
const PRICES: readonly Column<Quote>[] = [
  { title: "Bid", number: true, className: () => "quote", cell: (quote) => <Live of={quote.key} field="bid" /> },
  { title: "Ask", number: true, className: () => "quote", cell: (quote) => <Live of={quote.key} field="ask" /> },
  { title: "Spread", number: true, className: () => "quote", cell: (quote) => <Live of={quote.key} field="spread" /> },
  {
    title: "Age",
    number: true,
    cell: (quote) => (
      <>
        <Live of={quote.key} field="stale" className="stale-mark" /> <Live of={quote.key} field="age" />
      </>
    ),
  },
];

export function Watchlist() {
  const symbols = useSymbols();
  const { accounts } = useLedger();
  const link = useLink();
  const { chosen } = useChosen();
  const several = new Set(symbols.map((quote) => quote.account)).size > 1;
  const known = symbols.length > 0 || accounts !== undefined;
  return (
    <section className="panel watchlist" aria-labelledby="watchlist-title">
      <header>
        <h2 id="watchlist-title">Watch list</h2>
        <span className="dim push">spread in points</span>
      </header>
      <DataTable
        caption="Symbols with live prices"
        columns={several ? [SYMBOL, ACCOUNT, ...PRICES] : [SYMBOL, ...PRICES]}
        rows={known ? symbols : undefined}
        rowKey={(quote) => quote.key}
        chosen={(quote) => quote.key === chosen}
        empty="No symbol yet: connect a terminal."
        problem={known ? undefined : link.problem}
      />
    </section>
  );
}

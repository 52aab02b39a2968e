// A symbol's name in any table: one click shows it on the chart and in the ticket.
"use client";
import { keyOf } from "@web/components/tick-store.ts";
import { useChosen } from "./platform-context.tsx";

export function SymbolButton({ account, symbol }: { readonly account: string; readonly symbol: string }) {
  const { chosen, choose } = useChosen();
  const key = keyOf(account, symbol);
  return (
    <button type="button" className="symbol" aria-pressed={chosen === key} title={`Show ${symbol}`} onClick={() => choose(key)}>
      {symbol}
    </button>
  );
}

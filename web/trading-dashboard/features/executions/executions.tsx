// Executions, newest first: what the terminal answered, and how long each step took.
"use client";
import type { ExecutionView } from "@web/contracts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { between, decimal, price, ticket, UNKNOWN, words } from "@web/components/format.ts";
import { executionKey } from "@web/components/ledger.ts";
import { keyOf } from "@web/components/tick-store.ts";
import { SideText, StateTag } from "../../shared/columns.tsx";
import { useChosen, useLedger, useLink, usePlatform } from "../../shared/platform-context.tsx";
import { Stamp } from "../../shared/stamp.tsx";
import { SymbolButton } from "../../shared/symbol-button.tsx";

function key(row: ExecutionView): string {
  return keyOf(row.account, row.symbol);
}

export function Executions() {
  const { executions } = useLedger();
  const link = useLink();
  const platform = usePlatform();
  const { chosen } = useChosen();
  const columns: readonly Column<ExecutionView>[] = [
    { title: "Received", cell: (row) => <Stamp ms={row.received_ms} /> },
    { title: "Symbol", cell: (row) => <SymbolButton account={row.account} symbol={row.symbol} /> },
    { title: "Side", cell: (row) => <SideText side={row.side} /> },
    { title: "State", cell: (row) => <StateTag state={row.state} /> },
    { title: "Filled", number: true, cell: (row) => decimal(row.filled_volume) },
    { title: "Price", number: true, cell: (row) => price(row.price, platform.ticks.get(key(row))?.digits ?? 5) },
    { title: "To broker", number: true, cell: (row) => between(row.received_ms, row.sent_ms) },
    { title: "Answer", number: true, cell: (row) => between(row.sent_ms, row.answered_ms) },
    { title: "Code", cell: (row) => words(row.code) },
    { title: "Reason", wrap: true, cell: (row) => row.reason || UNKNOWN },
    { title: "Account", cell: (row) => row.account },
    { title: "Ticket", number: true, cell: (row) => ticket(row.ticket) },
    { title: "Deal", number: true, cell: (row) => ticket(row.deal) },
    { title: "Order", cell: (row) => row.order_id || UNKNOWN },
  ];
  return (
    <DataTable
      caption="Executions"
      columns={columns}
      rows={executions}
      rowKey={executionKey}
      chosen={(row) => key(row) === chosen}
      empty="No execution yet."
      problem={executions === undefined ? link.problem : undefined}
    />
  );
}

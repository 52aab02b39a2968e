// Orders, newest first, with their state and why one was refused.
"use client";
import type { OrderView } from "@web/contracts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { decimal, price, ticket, UNKNOWN } from "@web/components/format.ts";
import { keyOf } from "@web/components/tick-store.ts";
import { SideText, StateTag } from "../../shared/columns.tsx";
import { useChosen, useLedger, useLink, usePlatform } from "../../shared/platform-context.tsx";
import { Stamp } from "../../shared/stamp.tsx";
import { SymbolButton } from "../../shared/symbol-button.tsx";

function key(row: OrderView): string {
  return keyOf(row.account, row.symbol);
}

export function Orders() {
  const { orders } = useLedger();
  const link = useLink();
  const platform = usePlatform();
  const { chosen } = useChosen();
  const columns: readonly Column<OrderView>[] = [
    { title: "Created", cell: (row) => <Stamp ms={row.created_ms} /> },
    { title: "Symbol", cell: (row) => <SymbolButton account={row.account} symbol={row.symbol} /> },
    { title: "Side", cell: (row) => <SideText side={row.side} /> },
    { title: "State", cell: (row) => <StateTag state={row.state} /> },
    { title: "Volume", number: true, cell: (row) => decimal(row.volume) },
    { title: "Filled", number: true, cell: (row) => decimal(row.filled_volume) },
    { title: "Price", number: true, cell: (row) => price(row.price, platform.ticks.get(key(row))?.digits ?? 5) },
    { title: "Reason", wrap: true, cell: (row) => row.reason || UNKNOWN },
    { title: "Strategy", cell: (row) => row.strategy || UNKNOWN },
    { title: "Account", cell: (row) => row.account },
    { title: "Ticket", number: true, cell: (row) => ticket(row.ticket) },
    { title: "Position", number: true, cell: (row) => ticket(row.position) },
    { title: "Changed", cell: (row) => <Stamp ms={row.updated_ms} /> },
    { title: "Order", cell: (row) => row.id },
  ];
  return (
    <DataTable
      caption="Orders"
      columns={columns}
      rows={orders}
      rowKey={(row) => row.id}
      chosen={(row) => key(row) === chosen}
      empty="No order yet."
      problem={orders === undefined ? link.problem : undefined}
    />
  );
}

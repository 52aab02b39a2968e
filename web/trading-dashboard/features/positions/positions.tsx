// Open positions of all accounts with live quotes, each with a way to close it.
"use client";
import Button from "@mui/material/Button";
import { useState } from "react";
import type { Position } from "@web/contracts";
import { ConfirmDialog } from "@web/components/confirm-dialog.tsx";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { decimal, direction, money, price, UNKNOWN } from "@web/components/format.ts";
import { useSession, useSessionKeeper } from "@web/components/session.tsx";
import { keyOf } from "@web/components/tick-store.ts";
import { SideText } from "../../shared/columns.tsx";
import { mayTrade, newKey, sendCommand } from "../../shared/commands.ts";
import { Live } from "../../shared/live.tsx";
import { useChosen, useLedger, useLink, usePlatform } from "../../shared/platform-context.tsx";
import { Stamp } from "../../shared/stamp.tsx";
import { SymbolButton } from "../../shared/symbol-button.tsx";

interface Row extends Position {
  readonly account: string;
  readonly currency: string;
  readonly key: string;
}

interface Closing {
  readonly row: Row;
  /** The idempotency key of this decision. */
  readonly key: string;
}

function CloseDialog({ closing, done }: { readonly closing: Closing; readonly done: () => void }) {
  const keeper = useSessionKeeper();
  const { row } = closing;
  const side = row.side === "BUY" ? "SELL" : "BUY";
  const act = async (): Promise<void> => {
    const order = { account: row.account, symbol: row.symbol, side, volume: row.volume, position: row.ticket } as const;
    await sendCommand(keeper, closing.key, { kind: "place_order", order });
  };
  return (
    <ConfirmDialog title={`Close position ${row.ticket}?`} confirm="Close position" colour="error" act={act} close={done}>
      <p>
        {side === "BUY" ? "Buys" : "Sells"} {decimal(row.volume)} lots of {row.symbol} at market on account {row.account}.
      </p>
    </ConfirmDialog>
  );
}

export function Positions() {
  const { accounts } = useLedger();
  const link = useLink();
  const platform = usePlatform();
  const { chosen } = useChosen();
  const allowed = mayTrade(useSession().role);
  const [closing, setClosing] = useState<Closing>();
  const rows = accounts?.flatMap((account) =>
    account.positions.map((position): Row => {
      const of = { account: account.account, currency: account.currency };
      return { ...position, ...of, key: keyOf(account.account, position.symbol) };
    }),
  );
  const digits = (row: Row, value: number): string => price(value, platform.ticks.get(row.key)?.digits ?? 5);
  const columns: Column<Row>[] = [
    { title: "Symbol", cell: (row) => <SymbolButton account={row.account} symbol={row.symbol} /> },
    { title: "Side", cell: (row) => <SideText side={row.side} /> },
    { title: "Volume", number: true, cell: (row) => decimal(row.volume) },
    { title: "Profit", number: true, className: (row) => direction(row.profit), cell: (row) => money(row.profit, row.currency) },
    { title: "Opened at", number: true, cell: (row) => digits(row, row.price_open) },
    // A buy closes at the bid, a sell at the ask.
    { title: "Closes at", number: true, cell: (row) => <Live of={row.key} field={row.side === "BUY" ? "bid" : "ask"} /> },
    { title: "Stop loss", number: true, cell: (row) => digits(row, row.sl) },
    { title: "Take profit", number: true, cell: (row) => digits(row, row.tp) },
    { title: "Swap", number: true, cell: (row) => decimal(row.swap) },
    { title: "Opened", cell: (row) => <Stamp ms={row.time_ms} /> },
    { title: "Account", cell: (row) => row.account },
    { title: "Ticket", number: true, cell: (row) => row.ticket },
    { title: "Comment", cell: (row) => row.comment || UNKNOWN },
  ];
  if (allowed) {
    const close = (row: Row): void => setClosing({ row, key: newKey() });
    const label = (row: Row): string => `Close position ${row.ticket}`;
    columns.splice(4, 0, {
      title: "Close",
      cell: (row) => <Button className="in-row" variant="outlined" color="inherit" aria-label={label(row)} onClick={() => close(row)}>Close</Button>,
    });
  }
  return (
    <>
      <DataTable
        caption="Open positions"
        columns={columns}
        rows={rows}
        rowKey={(row) => `${row.account} ${row.ticket}`}
        chosen={(row) => row.key === chosen}
        empty="No open position."
        problem={rows === undefined ? link.problem : undefined}
      />
      {closing === undefined ? null : <CloseDialog closing={closing} done={() => setClosing(undefined)} />}
    </>
  );
}

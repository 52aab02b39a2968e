// Positions, orders and executions share one place on the page: tabs, each with how many it holds.
"use client";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import { type ReactNode, useState } from "react";
import { Executions } from "../features/executions/executions.tsx";
import { Orders } from "../features/orders/orders.tsx";
import { Positions } from "../features/positions/positions.tsx";
import { useLedger } from "../shared/platform-context.tsx";

type Name = "positions" | "orders" | "executions";

function label(word: string, count: number | undefined): string {
  return count === undefined ? word : `${word} (${count})`;
}

export function TradeTabs() {
  const [tab, setTab] = useState<Name>("positions");
  const { accounts, orders, executions } = useLedger();
  const positions = accounts?.reduce((sum, account) => sum + account.positions.length, 0);
  const tables: Readonly<Record<Name, ReactNode>> = { positions: <Positions />, orders: <Orders />, executions: <Executions /> };
  const titles: readonly [Name, string][] = [
    ["positions", label("Positions", positions)],
    ["orders", label("Orders", orders?.length)],
    ["executions", label("Executions", executions?.length)],
  ];
  return (
    <section className="panel trades" aria-label="Positions, orders and executions">
      <Tabs className="tabs" value={tab} onChange={(_event, value: Name) => setTab(value)} aria-label="Tables">
        {titles.map(([name, title]) => (
          <Tab key={name} value={name} label={title} id={`tab-${name}`} aria-controls="tab-panel" />
        ))}
      </Tabs>
      <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} className="tab-panel">
        {tables[tab]}
      </div>
    </section>
  );
}

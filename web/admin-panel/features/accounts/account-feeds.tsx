// Accounts for the operator: is the terminal connected, may it trade, and which ticks were kept out, and why.
"use client";
import type { AccountsView, AccountView } from "@web/contracts";
import { type Column, DataTable } from "@web/components/data-table.tsx";
import { age, UNKNOWN, words } from "@web/components/format.ts";
import { sourceWords } from "@web/components/source-banner.tsx";
import { type Polled, useNow } from "../../shared/polled.ts";

/** Refused ticks by reason, most first; reasons that never happened are left out. */
export function refusals(account: AccountView): [string, number][] {
  return Object.entries(account.ticks_refused)
    .filter(([, count]) => count > 0)
    .toSorted(([a, x], [b, y]) => y - x || a.localeCompare(b));
}

function Refused({ account }: { readonly account: AccountView }) {
  const rows = refusals(account);
  if (rows.length === 0) return <span className="dim">none</span>;
  return (
    <dl className="reasons">
      {rows.map(([reason, count]) => [<dt key={`${reason} name`}>{words(reason)}</dt>, <dd key={`${reason} count`}>{count}</dd>])}
    </dl>
  );
}

/** What is lost for good, newest first: `1,200 of XAUUSD, spool full`. */
export function gaps(account: AccountView): string[] {
  return account.tick_gaps.toReversed().map((gap) => `${gap.ticks > 0 ? gap.ticks.toLocaleString("en") : "some"} of ${gap.symbol}, ${words(gap.reason)}`);
}

function Lost({ account }: { readonly account: AccountView }) {
  const rows = gaps(account);
  if (rows.length === 0) return <span className="dim">none</span>;
  return <span>{rows.join("; ")}</span>;
}

function Since({ account, serverMs, at }: { readonly account: AccountView; readonly serverMs: number; readonly at: number }) {
  const now = useNow();
  return <>{account.taken_ms > 0 ? `${age(serverMs - account.taken_ms + Math.max(0, now - at))} ago` : UNKNOWN}</>;
}

function columnsOf(accounts: Polled<AccountsView>): readonly Column<AccountView>[] {
  return [
    { title: "Account", cell: (row) => <strong>{row.account}</strong> },
    { title: "Company", cell: (row) => row.company || UNKNOWN },
    { title: "Server", cell: (row) => row.server || UNKNOWN },
    { title: "Prices", cell: (row) => <span className={`tag ${row.source === "live" ? "good" : "wait"}`}>{sourceWords(row.source)}</span> },
    {
      title: "Broker",
      cell: (row) => <span className={`state ${row.connected ? "good" : "bad"}`}>{row.connected ? "connected" : "not reached"}</span>,
    },
    { title: "Trading", wrap: true, cell: (row) => (row.trade_allowed ? "allowed" : `blocked: ${row.trade_blocked_because || "no reason given"}`) },
    { title: "Positions", number: true, cell: (row) => row.positions.length },
    { title: "Ticks refused, by reason", cell: (row) => <Refused account={row} /> },
    { title: "Ticks lost", cell: (row) => <Lost account={row} /> },
    { title: "Reported", number: true, cell: (row) => <Since account={row} serverMs={accounts.value?.server_ms ?? 0} at={accounts.at} /> },
  ];
}

export function AccountFeeds({ accounts }: { readonly accounts: Polled<AccountsView> }) {
  return (
    <section className="panel" aria-labelledby="feeds-title">
      <header>
        <h2 id="feeds-title">Accounts and their feeds</h2>
      </header>
      <DataTable
        caption="Accounts and their feeds"
        columns={columnsOf(accounts)}
        rows={accounts.value?.accounts}
        stacked
        rowKey={(row) => row.account}
        empty="No terminal has reported yet."
        problem={accounts.problem}
      />
    </section>
  );
}

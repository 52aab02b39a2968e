// One card per account: what it is worth, and whether its terminal may trade.
"use client";
import type { AccountView } from "@web/contracts";
import { direction, money, utc } from "@web/components/format.ts";
import { useLedger, useLink } from "../../shared/platform-context.tsx";

function Card({ account }: { readonly account: AccountView }) {
  const of = account.currency;
  return (
    <article className="card">
      <h3>
        <span>{account.account}</span>
        <span className={`state ${account.connected ? "good" : "bad"}`}>
          {account.connected ? "connected to broker" : "broker not reached"}
        </span>
      </h3>
      <p className="where">
        {account.company} · {account.server} · {account.margin_mode} · 1:{account.leverage}
      </p>
      <dl className="pairs">
        <dt>Balance</dt>
        <dd>{money(account.balance, of)}</dd>
        <dt>Equity</dt>
        <dd>{money(account.equity, of)}</dd>
        <dt>Margin</dt>
        <dd>{money(account.margin, of)}</dd>
        <dt>Free margin</dt>
        <dd>{money(account.margin_free, of)}</dd>
        <dt>Profit</dt>
        <dd className={direction(account.profit)}>{money(account.profit, of)}</dd>
        <dt>As of</dt>
        <dd className="dim">{utc(account.taken_ms)}</dd>
      </dl>
      {account.trade_allowed ? null : (
        <p className="problem">No trading: {account.trade_blocked_because || "the terminal gives no reason"}</p>
      )}
    </article>
  );
}

export function AccountCards() {
  const { accounts } = useLedger();
  const link = useLink();
  return (
    <section className="panel accounts" aria-labelledby="accounts-title">
      <header>
        <h2 id="accounts-title">Accounts</h2>
      </header>
      <div className="scroll" role="group" aria-label="Cards of all accounts" tabIndex={0}>
        {accounts?.map((account) => <Card key={account.account} account={account} />)}
        {accounts === undefined ? <p className="empty">{link.problem ?? "Loading…"}</p> : null}
        {accounts?.length === 0 ? <p className="empty">No account yet: start the client beside a MetaTrader 5 terminal.</p> : null}
      </div>
    </section>
  );
}

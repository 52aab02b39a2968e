// Where the features stand on the trading page; the only file that knows them all.
"use client";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { SourceBanner } from "@web/components/source-banner.tsx";
import { AccountCards } from "../features/accounts/account-cards.tsx";
import { ChartPanel } from "../features/chart/chart-panel.tsx";
import { ConnectionStates } from "../features/connection/connection-states.tsx";
import { PauseButtons, PausedBanner } from "../features/pause/pause-buttons.tsx";
import { OrderTicket } from "../features/ticket/order-ticket.tsx";
import { Watchlist } from "../features/watchlist/watchlist.tsx";
import { useLedger, useSymbols } from "../shared/platform-context.tsx";
import { TradeTabs } from "./trade-tabs.tsx";

function Banner() {
  const { accounts } = useLedger();
  const symbols = useSymbols();
  return <SourceBanner things={accounts === undefined && symbols.length === 0 ? undefined : [...(accounts ?? []), ...symbols]} />;
}

export function TradingPage() {
  return (
    <div className="frame trading">
      <AppBar here="trading">
        <PauseButtons />
      </AppBar>
      <div className="banners">
        <PausedBanner />
        <Banner />
      </div>
      <ConnectionStates />
      <main id="main" className="desk">
        <h1 className="visually-hidden">Trading</h1>
        <Watchlist />
        <ChartPanel />
        <OrderTicket />
        <TradeTabs />
        <AccountCards />
      </main>
      <Footer />
    </div>
  );
}

// Where the features stand on the admin page; the only file that knows them all.
"use client";
import type { AccountsView } from "@web/contracts";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { useSession } from "@web/components/session.tsx";
import { SourceBanner } from "@web/components/source-banner.tsx";
import { AccountFeeds } from "../features/accounts/account-feeds.tsx";
import { Services } from "../features/services/services.tsx";
import { usePolled } from "../shared/polled.ts";

function Panels() {
  const accounts = usePolled<AccountsView>("/api/v1/accounts");
  return (
    <>
      <SourceBanner things={accounts.value?.accounts} />
      <main id="main" className="admin">
        <h1 className="visually-hidden">Services and accounts</h1>
        <Services />
        <AccountFeeds accounts={accounts} />
      </main>
    </>
  );
}

export function AdminPage() {
  const { name, role } = useSession();
  return (
    <div className="frame">
      <AppBar here="admin" />
      {role === "admin" ? (
        <Panels />
      ) : (
        <main id="main" className="notice">
          <h1>This page is for administrators</h1>
          <p>
            {name} has the role {role}. <a href="/">Go to the trading page</a>
          </p>
        </main>
      )}
      <Footer />
    </div>
  );
}

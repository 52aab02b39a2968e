// Where the features stand on the admin page; the only file that knows them all.
"use client";
import type { AccountsView } from "@web/contracts";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { SourceBanner } from "@web/components/source-banner.tsx";
import { AccountFeeds } from "../features/accounts/account-feeds.tsx";
import { Services } from "../features/services/services.tsx";
import { OnlyAdmins } from "../shared/only-admins.tsx";
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
  return (
    <div className="frame">
      <AppBar here="services" />
      <OnlyAdmins>
        <Panels />
      </OnlyAdmins>
      <Footer />
    </div>
  );
}

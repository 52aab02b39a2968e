// The page of risk limits: everyone of the tenant may look, the server decides who may change.
"use client";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { useSession } from "@web/components/session.tsx";
import { Limits } from "../features/limits/limits.tsx";

export function LimitsPage() {
  const { tenant } = useSession();
  return (
    <div className="frame">
      <AppBar here="limits" />
      <main id="main" className="admin">
        <h1 className="visually-hidden">Risk limits of {tenant}</h1>
        <Limits />
      </main>
      <Footer />
    </div>
  );
}

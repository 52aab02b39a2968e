// What administrators see; everyone else is told so. The server decides, this only spares a page of refusals.
"use client";
import type { ReactNode } from "react";
import { useSession } from "@web/components/session.tsx";

export function OnlyAdmins({ children }: { readonly children: ReactNode }) {
  const { name, role } = useSession();
  if (role === "admin") return <>{children}</>;
  return (
    <main id="main" className="notice">
      <h1>This page is for administrators</h1>
      <p>
        {name} has the role {role}. <a href="/">Go to the trading page</a>
      </p>
    </main>
  );
}

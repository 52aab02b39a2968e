// Where the features stand on the security page: how one signs in, where one is signed in, and keys for programs.
"use client";
import type { Me } from "@web/contracts";
import { AppBar, Footer } from "@web/components/app-bar.tsx";
import { useFetched } from "@web/components/fetched.ts";
import { useSession } from "@web/components/session.tsx";
import { ApiKeys } from "../features/api-keys/api-keys.tsx";
import { Password } from "../features/password/password.tsx";
import { SecondFactors } from "../features/second-factors/second-factors.tsx";
import { Sessions } from "../features/sessions/sessions.tsx";

export function SecurityPage() {
  const session = useSession();
  const me = useFetched<Me>("/api/v1/me");
  return (
    <div className="frame">
      <AppBar here="security" />
      {session.second_factor_due ? (
        <div className="banner" role="status">Add a second factor to go on <span>· your organisation asks everyone for one</span></div>
      ) : null}
      <main id="main" className="security">
        <h1 className="visually-hidden">Security of {session.name}</h1>
        <SecondFactors me={me} />
        <Password changedMs={me.value?.password_changed_ms} />
        <Sessions />
        <ApiKeys />
      </main>
      <Footer />
    </div>
  );
}

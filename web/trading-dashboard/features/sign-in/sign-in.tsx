// Sign in: the same door for both dashboards; `?next=admin` leads on to the admin panel.
"use client";
import { useEffect, useState } from "react";
import type { SetupState } from "@web/contracts";
import { ask } from "@web/components/api.ts";
import { useSessionKeeper, useSessionState } from "@web/components/session.tsx";
import { SignInForm } from "@web/components/sign-in-form.tsx";

/** Where to go after signing in: one of two known pages, so that a crafted link leads nowhere else. */
export function afterSignIn(search: string): "/" | "/admin/" {
  return new URLSearchParams(search).get("next") === "admin" ? "/admin/" : "/";
}

export function SignInPage() {
  const keeper = useSessionKeeper();
  const state = useSessionState();
  const [setupNeeded, setSetupNeeded] = useState(false);
  useEffect(() => {
    if (state.kind === "signed_in") location.replace(afterSignIn(location.search));
  }, [state.kind]);
  useEffect(() => {
    ask<SetupState>("/api/v1/setup").then(
      (view) => setSetupNeeded(view.needed),
      () => setSetupNeeded(false),
    );
  }, []);
  if (setupNeeded) {
    return (
      <div className="box">
        <h1>No user exists yet</h1>
        <p className="lead">
          The platform printed a setup link with a one-time code when it started. Open that link to make the first user.
        </p>
      </div>
    );
  }
  return (
    <SignInForm
      title="Sign in"
      lead={state.kind === "unreachable" ? state.reason : "Trading platform for MetaTrader 5"}
      confirm="Sign in"
      send={(name, password) => keeper.signIn({ name, password })}
    />
  );
}

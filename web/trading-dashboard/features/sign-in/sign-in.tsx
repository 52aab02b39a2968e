// Sign in: the same door for both dashboards; `?next=admin` leads on to the admin panel.
"use client";
import { useEffect, useState } from "react";
import type { SecondFactorNeeded, SetupState } from "@web/contracts";
import { ask } from "@web/components/api.ts";
import { useSessionKeeper, useSessionState } from "@web/components/session.tsx";
import { ProofForm } from "@web/components/proof-form.tsx";
import { factorNeeded } from "@web/components/session-keeper.ts";
import { SignInForm } from "@web/components/sign-in-form.tsx";
import { PasskeySignIn } from "./passkey-sign-in.tsx";

/** Where to go after signing in: one of two known pages, so that a crafted link leads nowhere else. */
export function afterSignIn(search: string): "/" | "/admin/" {
  return new URLSearchParams(search).get("next") === "admin" ? "/admin/" : "/";
}

export function SignInPage() {
  const keeper = useSessionKeeper();
  const state = useSessionState();
  const [setupNeeded, setSetupNeeded] = useState(false);
  const [needed, setNeeded] = useState<SecondFactorNeeded>();
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
  if (needed !== undefined) {
    return (
      <div className="box">
        <h1>One more step</h1>
        <p className="lead">{needed.reason}</p>
        <ProofForm needed={needed} confirm="Sign in" send={keeper.answer} cancel={() => setNeeded(undefined)} />
      </div>
    );
  }
  const signIn = async (name: string, password: string): Promise<void> => {
    try {
      await keeper.signIn({ name, password });
    } catch (error) {
      const factor = factorNeeded(error);
      if (factor === undefined) throw error;
      setNeeded(factor);
    }
  };
  return (
    <SignInForm
      title="Sign in"
      lead={state.kind === "unreachable" ? state.reason : "Trading platform for MetaTrader 5"}
      confirm="Sign in"
      send={signIn}
      also={<PasskeySignIn />}
    />
  );
}

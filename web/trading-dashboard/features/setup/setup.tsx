// Make the first user with the one-time code that the platform printed at its first start.
"use client";
import { type ReactNode, useEffect, useState } from "react";
import type { SetupState } from "@web/contracts";
import { ask, sentenceOf } from "@web/components/api.ts";
import { useSessionKeeper } from "@web/components/session.tsx";
import { SignInForm } from "@web/components/sign-in-form.tsx";

type Stage = { kind: "looking" } | { kind: "needed"; code: string } | { kind: "said"; title: string; text: ReactNode };

async function look(): Promise<Stage> {
  try {
    const { needed } = await ask<SetupState>("/api/v1/setup");
    if (!needed) {
      return { kind: "said", title: "The platform is set up", text: <a href="/login/">A user exists: sign in instead.</a> };
    }
    const code = new URLSearchParams(location.search).get("code") ?? "";
    if (code !== "") return { kind: "needed", code };
    const text = "This address lacks the one-time code: open the whole setup link that the platform printed.";
    return { kind: "said", title: "The code is missing", text };
  } catch (error) {
    return { kind: "said", title: "The gateway cannot be asked", text: sentenceOf(error) };
  }
}

export function SetupPage() {
  const keeper = useSessionKeeper();
  const [stage, setStage] = useState<Stage>({ kind: "looking" });
  useEffect(() => void look().then(setStage), []);
  if (stage.kind === "needed") {
    const send = async (name: string, password: string): Promise<void> => {
      await keeper.makeFirstUser({ code: stage.code, name, password });
      location.replace("/");
    };
    return (
      <SignInForm
        newPassword
        title="Make the first user"
        lead="This user administers the platform. The password needs at least 12 characters."
        confirm="Make user and sign in"
        send={send}
      />
    );
  }
  return (
    <div className="box" aria-live="polite">
      <h1>{stage.kind === "said" ? stage.title : "One moment…"}</h1>
      {stage.kind === "said" ? <p className="lead">{stage.text}</p> : null}
    </div>
  );
}

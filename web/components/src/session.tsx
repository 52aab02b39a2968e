// The session in React: a provider that keeps it, a hook that reads it, and a gate that shows a page to the signed in.
"use client";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { Session } from "@web/contracts";
import { ask, type Ask } from "./api.ts";
import { ServerClock } from "./clock.ts";
import { Notice } from "./notice.tsx";
import { Doubts } from "./doubts.ts";
import { SessionKeeper, type SessionState } from "./session-keeper.ts";
import { StepUpDialog } from "./step-up-dialog.tsx";

const Context = createContext<SessionKeeper | undefined>(undefined);
const UNKNOWN: SessionState = { kind: "unknown" };
const CHANNEL = "aitrading-session";

function makeKeeper(): { keeper: SessionKeeper; doubts: Doubts; listen: () => () => void } {
  const doubts = new Doubts();
  const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(CHANNEL);
  // A token runs out by the server's clock, which every answer carries: a PC's clock may be wrong by hours.
  const clock = new ServerClock(() => Date.now());
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(path, init);
    const stamp = Date.parse(response.headers.get("Date") ?? "");
    if (Number.isFinite(stamp)) clock.hear(stamp);
    return response;
  };
  const keeper = new SessionKeeper({
    ask: <T,>(path: string, options?: Ask) => ask<T>(path, options, send),
    now: () => clock.now() ?? Date.now(),
    later: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    tellOthers: () => channel?.postMessage("changed"),
    proveAgain: doubts.raise,
  });
  const listen = (): (() => void) => {
    const heard = (): void => void keeper.check();
    const visible = (): void => {
      if (document.visibilityState === "visible") keeper.renewWhenDue();
    };
    channel?.addEventListener("message", heard);
    document.addEventListener("visibilitychange", visible);
    void keeper.check();
    return () => {
      channel?.removeEventListener("message", heard);
      document.removeEventListener("visibilitychange", visible);
      keeper.stop();
    };
  };
  return { keeper, doubts, listen };
}

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [made] = useState(makeKeeper);
  useEffect(() => made.listen(), [made]);
  return (
    <Context value={made.keeper}>
      {children}
      <StepUpDialog doubts={made.doubts} keeper={made.keeper} />
    </Context>
  );
}

export function useSessionKeeper(): SessionKeeper {
  const keeper = useContext(Context);
  if (keeper === undefined) throw new Error("useSessionKeeper stands outside SessionProvider");
  return keeper;
}

export function useSessionState(): SessionState {
  const keeper = useSessionKeeper();
  return useSyncExternalStore(
    keeper.subscribe,
    () => keeper.state,
    () => UNKNOWN,
  );
}

/** The session of a page behind `SignedIn`. */
export function useSession(): Session {
  const state = useSessionState();
  if (state.kind !== "signed_in") throw new Error("useSession stands outside SignedIn");
  return state.session;
}

/** Show `children` to the signed in; send everyone else to the sign-in page, which leads back to `home`. */
export function SignedIn({ home, children }: { readonly home: "/" | "/security/" | "/admin/"; readonly children: ReactNode }) {
  const state = useSessionState();
  const due = home !== "/security/" && state.kind === "signed_in" && state.session.second_factor_due;
  useEffect(() => {
    if (state.kind === "signed_out") location.replace(home === "/admin/" ? "/login/?next=admin" : "/login/");
    else if (due) location.replace("/security/");
  }, [state.kind, home, due]);
  if (due) return <Notice title="Your organisation asks for a second factor: going to the security page…" />;
  if (state.kind === "signed_in") return <>{children}</>;
  if (state.kind === "unreachable") return <Notice title="The gateway cannot be asked">{state.reason} Trying again.</Notice>;
  return <Notice title={state.kind === "unknown" ? "Looking who is signed in…" : "Going to the sign-in page…"} />;
}

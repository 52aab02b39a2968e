// Keep a person signed in while the page is open: renew the token at half of its remaining time, share it between tabs.
import type { FirstUser, PasskeyOffer, SecondFactor, SecondFactorNeeded, Session, SignIn } from "@web/contracts";
import { Refusal, type Ask, sentenceOf } from "./api.ts";

export type SessionState =
  | { readonly kind: "unknown" }
  | { readonly kind: "signed_in"; readonly session: Session }
  | { readonly kind: "signed_out" }
  | { readonly kind: "unreachable"; readonly reason: string };

export interface KeeperPorts {
  ask<T>(path: string, options?: Ask): Promise<T>;
  /** UTC ms, as near to the server's clock as is known. */
  now(): number;
  /** Run later; returns how to call it off. */
  later(run: () => void, ms: number): () => void;
  /** Tell the other tabs that the cookie has changed. */
  tellOthers(): void;
  /** Let the person prove again who they are, with `keeper.answer`; false when they would rather not. */
  proveAgain(needed: SecondFactorNeeded): Promise<boolean>;
}

/** What still has to be proved, when a refusal says that the password alone is not enough. */
export function factorNeeded(error: unknown): SecondFactorNeeded | undefined {
  const body = error instanceof Refusal && error.code === "second_factor_needed" ? error.body : undefined;
  return typeof body === "object" && body !== null && "challenge" in body ? (body as SecondFactorNeeded) : undefined;
}

const PATH = "/api/v1/session";
const SOONEST_MS = 1_000;
const LATEST_MS = 450_000;
const RETRY_MS = 5_000;

/** Half of the time that is left, at least a second, at most half of a token's life should the clocks disagree. */
export function renewInMs(expiresMs: number, nowMs: number): number {
  return Math.min(LATEST_MS, Math.max(SOONEST_MS, Math.floor((expiresMs - nowMs) / 2)));
}

/** Call `check` once, then listen. Methods that a person waits for throw `Refusal`. */
export class SessionKeeper {
  state: SessionState = { kind: "unknown" };
  private readonly listeners = new Set<() => void>();
  private cancel: (() => void) | undefined;
  private renewing: Promise<void> | undefined;
  private dueMs = Infinity;

  constructor(private readonly ports: KeeperPorts) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Ask who is signed in. Also the way to follow a change made in another tab. */
  check = async (): Promise<void> => {
    const before = this.state;
    try {
      const session = await this.ports.ask<Session>(PATH);
      // an answer that was overtaken by a sign-in or a sign-out says nothing about now
      if (this.state === before) this.hold(session);
    } catch (error) {
      if (this.state === before) this.failed(error, this.check);
    }
  };

  /** Throws a refusal that `factorNeeded` understands when a second factor is asked for: go on with `answer`. */
  signIn = async (body: SignIn): Promise<void> => {
    this.hold(await this.ports.ask<Session>(PATH, { method: "POST", body }));
    this.ports.tellOthers();
  };

  /** Answer the second question of signing in. */
  answer = async (body: SecondFactor): Promise<void> => {
    this.hold(await this.ports.ask<Session>(`${PATH}/second-factor`, { method: "POST", body }));
    this.ports.tellOthers();
  };

  /** Begin to sign in with a passkey alone; `answer` ends it. */
  offerPasskey = (): Promise<PasskeyOffer> => this.ports.ask<PasskeyOffer>(`${PATH}/passkey`, { method: "POST" });

  /** Prove again who one is, in the session that stands. */
  stepUp = async (body: SecondFactor): Promise<void> => {
    this.hold(await this.ports.ask<Session>(`${PATH}/step-up`, { method: "POST", body, csrf: this.csrf() }));
    this.ports.tellOthers();
  };

  makeFirstUser = async (body: FirstUser): Promise<void> => {
    this.hold(await this.ports.ask<Session>("/api/v1/setup", { method: "POST", body }));
    this.ports.tellOthers();
  };

  signOut = async (): Promise<void> => {
    await this.change<undefined>(PATH, { method: "DELETE" });
    this.set({ kind: "signed_out" });
    this.ports.tellOthers();
  };

  /** Renew now when it is due: timers sleep with the machine, so a page calls this when it becomes visible again. */
  renewWhenDue = (): void => {
    if (this.state.kind === "signed_in" && this.ports.now() >= this.dueMs) void this.renew();
  };

  /** Ask for a change with the session's CSRF token. A token that another tab has replaced is fetched once; where a
   * fresh proof is wanted the person gives it, and the change is asked for again. */
  change = async <T>(path: string, options: Ask): Promise<T> => {
    try {
      return await this.ports.ask<T>(path, { ...options, csrf: this.csrf() });
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) this.set({ kind: "signed_out" });
      if (!(await this.mended(error))) throw error;
      return await this.ports.ask<T>(path, { ...options, csrf: this.csrf() });
    }
  };

  private async mended(error: unknown): Promise<boolean> {
    if (!(error instanceof Refusal) || error.status !== 403) return false;
    if (error.code === "step_up_needed") {
      const ask = { method: "POST", csrf: this.csrf() } as const;
      return await this.ports.proveAgain(await this.ports.ask<SecondFactorNeeded>(`${PATH}/challenge`, ask));
    }
    if (!error.code.includes("csrf")) return false;
    await this.check();
    return true;
  }

  stop = (): void => this.cancel?.();

  private csrf(): string {
    return this.state.kind === "signed_in" ? this.state.session.csrf : "";
  }

  /** Get a token with what the person may do since a moment ago; also before it is due. */
  renew = (): Promise<void> => {
    this.renewing ??= this.askRenewal().finally(() => (this.renewing = undefined));
    return this.renewing;
  };

  private async askRenewal(): Promise<void> {
    try {
      this.hold(await this.change<Session>(`${PATH}/renew`, { method: "POST" }));
      this.ports.tellOthers();
    } catch (error) {
      this.failed(error, this.renew);
    }
  }

  private hold(session: Session): void {
    const wait = renewInMs(session.expires_ms, this.ports.now());
    this.dueMs = this.ports.now() + wait;
    this.plan(() => void this.renew(), wait);
    this.set({ kind: "signed_in", session });
  }

  /** 401 means signed out; anything else is tried again, and a session that is still good is kept meanwhile. */
  private failed(error: unknown, again: () => Promise<void>): void {
    if (error instanceof Refusal && error.status === 401) {
      this.cancel?.();
      this.set({ kind: "signed_out" });
      return;
    }
    const held = this.state.kind === "signed_in" && this.ports.now() < this.state.session.expires_ms;
    if (!held) this.set({ kind: "unreachable", reason: sentenceOf(error) });
    this.plan(() => void again(), RETRY_MS);
  }

  private plan(run: () => void, ms: number): void {
    this.cancel?.();
    this.cancel = this.ports.later(run, ms);
  }

  private set(state: SessionState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

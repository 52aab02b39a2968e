// Ask the gateway for one view every two seconds, one question at a time, and say since when the answer is old.
"use client";
import { useEffect, useState, useSyncExternalStore } from "react";
import { ask, Refusal, sentenceOf } from "@web/components/api.ts";
import { useSessionKeeper } from "@web/components/session.tsx";

export const EVERY_MS = 2_000;

export interface Polled<T> {
  /** The last good answer; kept, and growing old, while new ones fail. */
  readonly value: T | undefined;
  /** performance.now() of the last good answer. */
  readonly at: number;
  /** Why the last question had no answer. */
  readonly problem: string | undefined;
}

export function usePolled<T>(path: string): Polled<T> {
  const keeper = useSessionKeeper();
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, at: 0, problem: undefined });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async (): Promise<void> => {
      try {
        const value = await ask<T>(path, { signal: abort.signal });
        setPolled({ value, at: performance.now(), problem: undefined });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error instanceof Refusal && error.status === 401) void keeper.check();
        setPolled((last) => ({ ...last, problem: sentenceOf(error) }));
      }
      timer = setTimeout(() => void round(), EVERY_MS);
    };
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, keeper]);
  return polled;
}

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
let reading = 0;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    reading = performance.now();
    for (const each of listeners) each();
  }, 200);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** performance.now(), five times a second: for ages that count up between two answers. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => reading, () => 0);
}

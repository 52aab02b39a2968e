// One answer of the gateway, fetched when a panel appears and again when it has changed something.
"use client";
import { useCallback, useEffect, useState } from "react";
import { ask, Refusal, sentenceOf } from "./api.ts";
import { useSessionKeeper } from "./session.tsx";

export interface Fetched<T> {
  readonly value: T | undefined;
  /** Why there is no answer, or no newer one. */
  readonly problem: string | undefined;
  /** Ask again; resolves when it is there. */
  readonly again: () => Promise<void>;
}

export function useFetched<T>(path: string): Fetched<T> {
  const keeper = useSessionKeeper();
  const [state, setState] = useState<{ value: T | undefined; problem: string | undefined }>({ value: undefined, problem: undefined });
  const again = useCallback(
    (): Promise<void> =>
      ask<T>(path).then(
        (value) => setState({ value, problem: undefined }),
        (error: unknown) => {
          if (error instanceof Refusal && error.status === 401) void keeper.check();
          setState((last) => ({ ...last, problem: sentenceOf(error) }));
        },
      ),
    [path, keeper],
  );
  useEffect(() => void again(), [again]);
  return { ...state, again };
}

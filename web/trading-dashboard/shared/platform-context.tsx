// The platform in React: one instance per page, and hooks that read the slow-moving parts of it.
"use client";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { StreamTicket } from "@web/contracts";
import type { LedgerView } from "@web/components/ledger.ts";
import { useSessionKeeper } from "@web/components/session.tsx";
import type { Quote } from "@web/components/tick-store.ts";
import { type Link, Platform } from "./platform.ts";

interface Shown {
  readonly platform: Platform;
  /** Key of the symbol on the chart and in the ticket; undefined until one is known or chosen. */
  readonly chosen: string | undefined;
  readonly choose: (key: string) => void;
}

const Context = createContext<Shown | undefined>(undefined);

export function PlatformProvider({ children }: { readonly children: ReactNode }) {
  const keeper = useSessionKeeper();
  const [platform] = useState(() => {
    const ticket = (): Promise<StreamTicket> => keeper.change("/api/v1/stream-ticket", { method: "POST" });
    return new Platform(
      () => void keeper.check(),
      async () => (await ticket()).ticket,
    );
  });
  const [picked, choose] = useState<string>();
  const [first, setFirst] = useState<string>();
  useEffect(() => platform.start(), [platform]);
  useEffect(() => {
    const look = (): void => setFirst((known) => known ?? sorted(platform.ticks.all())[0]?.key);
    look();
    return platform.subscribe(look);
  }, [platform]);
  const chosen = picked ?? first;
  const shown = useMemo(() => ({ platform, chosen, choose }), [platform, chosen]);
  return <Context value={shown}>{children}</Context>;
}

function useShown(): Shown {
  const shown = useContext(Context);
  if (shown === undefined) throw new Error("usePlatform stands outside PlatformProvider");
  return shown;
}

export function usePlatform(): Platform {
  return useShown().platform;
}

export function useChosen(): { readonly chosen: string | undefined; readonly choose: (key: string) => void } {
  return useShown();
}

export function useLedger(): LedgerView {
  const { ledger } = usePlatform();
  return useSyncExternalStore(ledger.subscribe, () => ledger.view, () => ledger.view);
}

export function useLink(): Link {
  const platform = usePlatform();
  return useSyncExternalStore(platform.subscribe, () => platform.link, () => platform.link);
}

function sorted(quotes: Quote[]): Quote[] {
  return quotes.toSorted((a, b) => a.symbol.localeCompare(b.symbol) || a.account.localeCompare(b.account));
}

/** The symbols by name. Their prices move without a render: show those with `Live`. */
export function useSymbols(): readonly Quote[] {
  const platform = usePlatform();
  useLink();
  return sorted(platform.ticks.all());
}

/** What is known of one symbol, or undefined. */
export function useQuote(key: string | undefined): Quote | undefined {
  const platform = usePlatform();
  useLink();
  return key === undefined ? undefined : platform.ticks.get(key);
}

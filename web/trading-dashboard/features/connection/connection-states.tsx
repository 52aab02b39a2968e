// Every hop between the broker and this screen, each with its own state: nothing is called healthy that was not heard.
"use client";
import { useEffect, useState } from "react";
import type { AccountView } from "@web/contracts";
import type { StreamState } from "@web/components/stream.ts";
import { isStale } from "@web/components/tick-store.ts";
import { type Link } from "../../shared/platform.ts";
import { useLedger, useLink, usePlatform } from "../../shared/platform-context.tsx";

type Shade = "good" | "bad" | "wait" | "";
interface Said {
  readonly shade: Shade;
  readonly text: string;
}

const STREAM: Readonly<Record<StreamState, Said>> = {
  connecting: { shade: "wait", text: "connecting…" },
  live: { shade: "good", text: "live" },
  silent: { shade: "wait", text: "silent" },
  lost: { shade: "bad", text: "lost, trying again" },
};

function busSaid(bus: boolean | undefined): Said {
  if (bus === undefined) return { shade: "", text: "–" };
  return bus ? { shade: "good", text: "heard" } : { shade: "bad", text: "not heard" };
}

function tradingSaid(paused: boolean | undefined): Said {
  if (paused === undefined) return { shade: "", text: "–" };
  return paused ? { shade: "bad", text: "paused" } : { shade: "good", text: "not paused" };
}

/** The terminals' own word is only as fresh as the stream: without it, nothing is known. */
export function terminalsSaid(accounts: readonly AccountView[] | undefined, stream: StreamState): Said {
  if (accounts === undefined || stream !== "live") return { shade: "", text: "–" };
  if (accounts.length === 0) return { shade: "wait", text: "no terminal yet" };
  const connected = accounts.filter((account) => account.connected).length;
  const text = `${connected} of ${accounts.length} connected`;
  return { shade: connected === accounts.length ? "good" : "bad", text };
}

function useStaleCount(): { stale: number; of: number } | undefined {
  const platform = usePlatform();
  const [count, setCount] = useState<{ stale: number; of: number }>();
  useEffect(() => {
    const look = (): void => {
      const now = platform.clock.now();
      const quotes = platform.ticks.all();
      if (now === undefined || quotes.length === 0) return;
      const stale = quotes.filter((quote) => isStale(quote.received_ms, now) !== false).length;
      setCount((last) => (last?.stale === stale && last.of === quotes.length ? last : { stale, of: quotes.length }));
    };
    const timer = setInterval(look, 1_000);
    return () => clearInterval(timer);
  }, [platform]);
  return count;
}

function feedSaid(count: { stale: number; of: number } | undefined): Said {
  if (count === undefined) return { shade: "", text: "–" };
  if (count.stale === 0) return { shade: "good", text: `${count.of} fresh` };
  return { shade: count.stale === count.of ? "bad" : "wait", text: `${count.stale} of ${count.of} stale` };
}

function State({ name, said }: { readonly name: string; readonly said: Said }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={`state ${said.shade}`.trim()}>{said.text}</dd>
    </div>
  );
}

function problemOf(link: Link): Said | undefined {
  if (link.problem !== undefined) return { shade: "bad", text: link.problem };
  return link.gaps > 0 ? { shade: "", text: `${link.gaps} gaps, filled from the store` } : undefined;
}

export function ConnectionStates() {
  const link = useLink();
  const { accounts } = useLedger();
  const stale = useStaleCount();
  const problem = problemOf(link);
  return (
    <section aria-label="Connections">
      <dl className="states">
      <State name="Browser ↔ gateway" said={STREAM[link.stream]} />
      <State name="Gateway ↔ bus" said={busSaid(link.bus)} />
      <State name="Terminals ↔ brokers" said={terminalsSaid(accounts, link.stream)} />
      <State name="Price feeds" said={feedSaid(stale)} />
      <State name="Trading" said={tradingSaid(link.paused)} />
      {problem === undefined ? null : <State name="Snapshots" said={problem} />}
      </dl>
    </section>
  );
}

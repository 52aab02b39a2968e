// The live picture of the platform in one place: stores, stream and snapshots, wired together without React.
import type { AccountsView, ExecutionsView, OrdersView, StreamMessage, SymbolsView } from "@web/contracts";
import { ask, sentenceOf, withQuery } from "@web/components/api.ts";
import { ServerClock } from "@web/components/clock.ts";
import { KEEP, Ledger } from "@web/components/ledger.ts";
import { Painter } from "@web/components/painter.ts";
import { type Socket, Stream, type StreamState } from "@web/components/stream.ts";
import { TickStore } from "@web/components/tick-store.ts";

export interface Link {
  readonly stream: StreamState;
  /** Whether the gateway hears the bus; undefined while the gateway itself is not heard. */
  readonly bus: boolean | undefined;
  /** Whether trading is paused; undefined while nobody who knows is heard. */
  readonly paused: boolean | undefined;
  /** Which symbols there are; a new number whenever the list has grown. */
  readonly symbols: number;
  /** Why the last snapshot could not be fetched; undefined when it could. */
  readonly problem: string | undefined;
  readonly gaps: number;
}

const PULSE_MS = 200;
const SNAPSHOT_PAUSE_MS = 1_000;
const SNAPSHOT_RETRY_MS = 5_000;

function later(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

function openSocket(): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new WebSocket(`${scheme}://${location.host}/api/v1/stream`) as Socket;
}

/** `start` when the page is shown, `stop` when it goes. `sessionMayBeOver` is called when a connection was lost. */
export class Platform {
  readonly clock = new ServerClock(() => performance.now());
  readonly ticks = new TickStore((flush) => void requestAnimationFrame(flush));
  readonly painter = new Painter(this.ticks, () => this.clock.now());
  readonly ledger = new Ledger();
  link: Link = { stream: "connecting", bus: undefined, paused: undefined, symbols: 0, problem: undefined, gaps: 0 };
  private readonly listeners = new Set<() => void>();
  private readonly behind = new Set<() => void>();
  private readonly stream: Stream;
  private snapshotTimer: (() => void) | undefined;
  private snapshotAt = -Infinity;
  private newSymbolAt = -Infinity;
  private pulse: ReturnType<typeof setInterval> | undefined;

  constructor(sessionMayBeOver: () => void, ticket: () => Promise<string>) {
    this.stream = new Stream({
      open: openSocket,
      ticket,
      later,
      random: Math.random,
      onMessage: (message) => this.hear(message),
      onState: (stream) => this.setLink(stream === "live" ? { stream } : { stream, bus: undefined, paused: undefined }),
      onBehind: () => this.catchUp(),
      onLost: sessionMayBeOver,
    });
  }

  start = (): (() => void) => {
    const online = (): void => this.stream.retryNow();
    // A hidden tab draws nothing and browsers throttle its timers: what it missed is fetched when it is seen again.
    const visible = (): void => void (document.visibilityState === "visible" && this.catchUp());
    window.addEventListener("online", online);
    document.addEventListener("visibilitychange", visible);
    this.pulse = setInterval(() => this.painter.pulse(), PULSE_MS);
    this.snapshotSoon(0);
    this.stream.start();
    return () => {
      window.removeEventListener("online", online);
      document.removeEventListener("visibilitychange", visible);
      clearInterval(this.pulse);
      this.snapshotTimer?.();
      this.stream.stop();
    };
  };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Hear that messages may have been missed, so that what is not in the stores (bars) is fetched again. */
  onBehind(listener: () => void): () => void {
    this.behind.add(listener);
    return () => void this.behind.delete(listener);
  }

  private catchUp(): void {
    this.setLink({ gaps: this.stream.gaps });
    this.snapshotSoon(0);
    for (const listener of this.behind) listener();
  }

  private hear(message: StreamMessage): void {
    switch (message.k) {
      case "t":
        this.clock.hear(message.now);
        if (this.ticks.apply(message) > 0) this.askForNewSymbol();
        return;
      case "h":
        this.clock.hear(message.now);
        this.beat(message.bus, message.paused ?? undefined);
        return;
      case "a":
        this.ledger.takeAccounts([message.account]);
        return;
      case "o":
        this.ledger.takeOrders([message.order]);
        return;
      case "e":
        this.ledger.takeExecutions([message.execution]);
    }
  }

  private beat(bus: boolean, paused: boolean | undefined): void {
    // What is not heard from the bus may have changed meanwhile.
    const known = bus ? paused : undefined;
    if (this.link.bus !== bus || this.link.paused !== known) this.setLink({ bus, paused: known });
  }

  /** A tick of a symbol that is not listed yet. The gateway may list it only later: ask, but not each second. */
  private askForNewSymbol(): void {
    const now = performance.now();
    if (now < this.newSymbolAt + SNAPSHOT_RETRY_MS) return;
    this.newSymbolAt = now;
    this.snapshotSoon(SNAPSHOT_PAUSE_MS);
  }

  /** Fetch all snapshots, but not more often than once a second. */
  private snapshotSoon(pauseMs: number): void {
    if (this.snapshotTimer !== undefined) return;
    const wait = Math.max(pauseMs, this.snapshotAt + SNAPSHOT_PAUSE_MS - performance.now(), 0);
    this.snapshotTimer = later(() => {
      this.snapshotAt = performance.now();
      this.snapshotTimer = undefined;
      void this.snapshot();
    }, wait);
  }

  private async snapshot(): Promise<void> {
    const parts = await Promise.allSettled([
      ask<SymbolsView>("/api/v1/symbols").then((view) => {
        this.clock.hear(view.server_ms);
        this.ticks.load(view.symbols);
        this.setLink({ symbols: this.ticks.all().length });
      }),
      ask<AccountsView>("/api/v1/accounts").then((view) => this.ledger.takeAccounts(view.accounts)),
      ask<OrdersView>(withQuery("/api/v1/orders", { limit: KEEP })).then((view) => this.ledger.takeOrders(view.orders)),
      ask<ExecutionsView>(withQuery("/api/v1/executions", { limit: KEEP })).then((view) =>
        this.ledger.takeExecutions(view.executions),
      ),
    ]);
    const failed = parts.find((part) => part.status === "rejected");
    this.setLink({ problem: failed === undefined ? undefined : sentenceOf(failed.reason) });
    if (failed !== undefined) this.snapshotSoon(SNAPSHOT_RETRY_MS);
  }

  private setLink(change: Partial<Link>): void {
    this.link = { ...this.link, ...change };
    for (const listener of this.listeners) listener();
  }
}

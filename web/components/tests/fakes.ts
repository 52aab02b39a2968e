// Hand-made things for tests: a clock with timers that only move when told, a socket, and views with every field.
import type { AccountView, ExecutionView, OrderView, Session, StreamTicks, SymbolView } from "@web/contracts";
import type { Socket } from "../src/stream.ts";

/** Timers and a clock that a test moves by hand. */
export class FakeTime {
  now = 1_000_000;
  private timers: { at: number; run: () => void }[] = [];

  later = (run: () => void, ms: number): (() => void) => {
    const timer = { at: this.now + ms, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((each) => each !== timer));
  };

  /** Move on, running what falls due in order. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = this.timers.filter((each) => each.at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((each) => each !== due);
      this.now = due.at;
      due.run();
    }
    this.now = until;
  }

  get waiting(): number[] {
    return this.timers.map((each) => each.at - this.now).toSorted((a, b) => a - b);
  }
}

export class FakeSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  closed = false;
  readonly sent: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** Lets promises that are already settled run on. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export function symbolView(change: Partial<SymbolView> = {}): SymbolView {
  const price = { bid: 1.1, ask: 1.1002, time_msc: 60_000, received_ms: 60_001, ticks: 1 };
  const about = { account: "1", symbol: "EURUSD", description: "Euro", digits: 5, point: 0.00001 };
  const volumes = { volume_min: "0.01", volume_max: "100", volume_step: "0.01" };
  return { ...about, ...price, ...volumes, source: "live", ...change };
}

export function sessionView(change: Partial<Session> = {}): Session {
  const who = { name: "ann", tenant: "default", role: "trader", id: "s1", user_id: "u1" };
  return { ...who, expires_ms: 900_000, csrf: "csrf", amr: ["pwd"], auth_ms: 1, second_factor_due: false, ...change };
}

type Row = StreamTicks["d"][number];

export function ticksOf(...rows: Row[]): StreamTicks {
  return { k: "t", q: 1, now: 0, d: rows };
}

/** A row for EURUSD of account 1 whose extremes are its bid. */
export function row(receivedMs: number, bid: number, high = bid, low = bid): Row {
  return ["1", "EURUSD", receivedMs, receivedMs, bid, bid + 0.0002, 1, high, low];
}

export function accountView(change: Partial<AccountView> = {}): AccountView {
  const money = { balance: "100.00", equity: "100.00", margin: "0.00", margin_free: "100.00", profit: "0.00" };
  const terms = { server: "Demo", company: "Broker", currency: "USD", margin_mode: "hedging", leverage: 100 } as const;
  const state = { connected: true, trade_allowed: true, trade_blocked_because: "", taken_ms: 1, positions: [], ticks_refused: {}, tick_gaps: [] };
  return { account: "1", ...terms, ...money, ...state, source: "live", ...change };
}

export function orderView(change: Partial<OrderView> = {}): OrderView {
  const what = { symbol: "EURUSD", side: "BUY", volume: "0.10", filled_volume: "0", price: 0 } as const;
  const after = { state: "SUBMITTED", reason: "", ticket: 0, deal: 0, position: 0, created_ms: 1, updated_ms: 1 };
  return { id: "o1", account: "1", strategy: "", ...what, ...after, ...change };
}

export function executionView(change: Partial<ExecutionView> = {}): ExecutionView {
  const what = { state: "FILLED", code: "done", reason: "", symbol: "EURUSD", side: "BUY", filled_volume: "0.10", price: 1.1 } as const;
  const stamps = { ticket: 7, deal: 8, received_ms: 1, sent_ms: 2, answered_ms: 3 };
  return { number: 1, account: "1", order_id: "o1", signal_id: "s1", ...what, ...stamps, ...change };
}

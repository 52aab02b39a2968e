// Accounts, orders and executions as last heard, from snapshots and stream alike: the newer picture of a thing wins.
import type { AccountView, ExecutionView, OrderView } from "@web/contracts";

export interface LedgerView {
  /** by name; undefined before the first snapshot: not known is not the same as none */
  readonly accounts: readonly AccountView[] | undefined;
  /** newest first */
  readonly orders: readonly OrderView[] | undefined;
  /** newest first */
  readonly executions: readonly ExecutionView[] | undefined;
}

const EMPTY: LedgerView = { accounts: undefined, orders: undefined, executions: undefined };
export const KEEP = 200;

/** Merge with `take*`, read `view`: it is a new object whenever something has changed. */
export class Ledger {
  private readonly accounts = new Map<string, AccountView>();
  private readonly orders = new Map<string, OrderView>();
  private readonly executions = new Map<string, ExecutionView>();
  private readonly listeners = new Set<() => void>();
  view: LedgerView = EMPTY;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  takeAccounts(views: readonly AccountView[]): void {
    for (const view of views) {
      const known = this.accounts.get(view.account);
      if (known === undefined || known.taken_ms <= view.taken_ms) this.accounts.set(view.account, view);
    }
    const sorted = [...this.accounts.values()].toSorted((a, b) => a.account.localeCompare(b.account));
    this.set({ ...this.view, accounts: sorted });
  }

  takeOrders(views: readonly OrderView[]): void {
    for (const view of views) {
      const known = this.orders.get(view.id);
      if (known === undefined || known.updated_ms <= view.updated_ms) this.orders.set(view.id, view);
    }
    const sorted = [...this.orders.values()].toSorted((a, b) => b.created_ms - a.created_ms || (a.id < b.id ? 1 : -1));
    forget(this.orders, sorted.splice(KEEP), (view) => view.id);
    this.set({ ...this.view, orders: sorted });
  }

  takeExecutions(views: readonly ExecutionView[]): void {
    for (const view of views) this.executions.set(executionKey(view), view);
    const sorted = [...this.executions.values()].toSorted((a, b) => newest(b) - newest(a) || b.number - a.number);
    forget(this.executions, sorted.splice(KEEP), executionKey);
    this.set({ ...this.view, executions: sorted });
  }

  private set(view: LedgerView): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}

/** `number` counts within an account, and starts again with a new journal: the signal tells two lives apart. */
export function executionKey(view: ExecutionView): string {
  return `${view.account}\u0000${view.signal_id}\u0000${view.number}`;
}

function newest(view: ExecutionView): number {
  return Math.max(view.received_ms, view.answered_ms);
}

function forget<T>(map: Map<string, T>, views: readonly T[], key: (view: T) => string): void {
  for (const view of views) map.delete(key(view));
}

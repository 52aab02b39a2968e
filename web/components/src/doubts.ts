// One open question at a time: is it really you? Raised by a refused change, settled by the dialog.
import type { SecondFactorNeeded } from "@web/contracts";

interface Doubt {
  readonly needed: SecondFactorNeeded;
  readonly settle: (proved: boolean) => void;
}

export class Doubts {
  open: Doubt | undefined;
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Resolves when the person has answered or given up; an older question is given up. */
  raise = (needed: SecondFactorNeeded): Promise<boolean> => {
    this.settle(false);
    return new Promise((resolve) => this.hold({ needed, settle: resolve }));
  };

  settle = (proved: boolean): void => {
    const settled = this.open;
    this.hold(undefined);
    settled?.settle(proved);
  };

  private hold(doubt: Doubt | undefined): void {
    this.open = doubt;
    for (const listener of this.listeners) listener();
  }
}

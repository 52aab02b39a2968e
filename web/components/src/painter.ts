// Write live quotes straight into text nodes: no React render on the way from a tick to the screen.
import { age, price, spreadPoints } from "./format.ts";
import { isStale, type Quote, type TickStore } from "./tick-store.ts";

export type Field = "bid" | "ask" | "spread" | "age" | "stale";

interface Cell {
  readonly field: Field;
  readonly element: HTMLElement;
  readonly text: Text;
}

const BY_CLOCK: ReadonlySet<Field> = new Set<Field>(["age", "stale"]);

function reading(field: Field, quote: Quote, nowMs: number | undefined): string {
  switch (field) {
    case "bid":
      return price(quote.bid, quote.digits);
    case "ask":
      return price(quote.ask, quote.digits);
    case "spread":
      return spreadPoints(quote.bid, quote.ask, quote.point);
    case "age":
      return age(nowMs === undefined || quote.received_ms === 0 ? undefined : nowMs - quote.received_ms);
    case "stale":
      return isStale(quote.received_ms, nowMs) ? "stale" : "";
  }
}

/** Call `add` when a cell is mounted and `pulse` a few times a second, so that ages count up in silence too. */
export class Painter {
  /** symbol's key → its cells on the page */
  private readonly cells = new Map<string, Set<Cell>>();

  constructor(
    private readonly ticks: TickStore,
    private readonly nowMs: () => number | undefined,
  ) {
    ticks.subscribe((changed) => {
      const now = this.nowMs();
      for (const quote of changed) this.paint(quote, now, false);
    });
  }

  /** Keep `element` up to date; returns how to stop. The element must have no children of React's. */
  add(key: string, field: Field, element: HTMLElement): () => void {
    const text = document.createTextNode("–");
    element.replaceChildren(text);
    const cell: Cell = { field, element, text };
    const cells = this.cells.get(key) ?? new Set<Cell>();
    this.cells.set(key, cells.add(cell));
    const quote = this.ticks.get(key);
    if (quote !== undefined) this.write(cell, quote, this.nowMs());
    return () => {
      cells.delete(cell);
      if (cells.size === 0 && this.cells.get(key) === cells) this.cells.delete(key);
    };
  }

  pulse(): void {
    const now = this.nowMs();
    for (const key of this.cells.keys()) {
      const quote = this.ticks.get(key);
      if (quote !== undefined) this.paint(quote, now, true);
    }
  }

  private paint(quote: Quote, now: number | undefined, clockOnly: boolean): void {
    for (const cell of this.cells.get(quote.key) ?? []) {
      if (!clockOnly || BY_CLOCK.has(cell.field)) this.write(cell, quote, now);
    }
  }

  private write(cell: Cell, quote: Quote, now: number | undefined): void {
    const shown = reading(cell.field, quote, now);
    if (cell.text.data !== shown) cell.text.data = shown;
    if (cell.field === "bid" || cell.field === "ask") {
      cell.element.classList.toggle("up", quote.move > 0);
      cell.element.classList.toggle("down", quote.move < 0);
    }
    if (cell.field === "stale") cell.element.closest("tr")?.toggleAttribute("data-stale", shown !== "");
  }
}

// Which lines the chart carries: entry, stop loss and take profit of the open positions of its symbol.
import type { Position } from "@web/contracts";
import { decimal } from "@web/components/format.ts";
import type { Mark } from "./candle-chart.ts";

export function marksOf(positions: readonly Position[], symbol: string): Mark[] {
  return positions
    .filter((position) => position.symbol === symbol)
    .flatMap((position) => {
      const title = `${position.side === "BUY" ? "Buy" : "Sell"} ${decimal(position.volume)}`;
      const marks: Mark[] = [
        { price: position.price_open, title, kind: "open" },
        { price: position.sl, title: "SL", kind: "stop" },
        { price: position.tp, title: "TP", kind: "target" },
      ];
      return marks.filter((mark) => mark.price > 0);
    });
}

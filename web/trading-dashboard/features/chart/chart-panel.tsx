// The chart of the chosen symbol: history from the store, the last bar live, refetched whenever ticks may have been missed.
"use client";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import { useColorScheme } from "@mui/material/styles";
import { useEffect, useRef, useState } from "react";
import { TIMEFRAMES } from "@web/components/bar-series.ts";
import type { Quote } from "@web/components/tick-store.ts";
import { Live } from "../../shared/live.tsx";
import { useChosen, useLedger, usePlatform, useQuote } from "../../shared/platform-context.tsx";
import { CandleChart, type Mark } from "./candle-chart.ts";
import { marksOf } from "./marks.ts";
import { LiveBars, type BarsState } from "./live-bars.ts";

const WORDS: Readonly<Record<BarsState, string>> = {
  loading: "Loading…",
  shown: "",
  empty: "No bar is stored for this timeframe yet.",
  failed: "The bars could not be fetched; trying again.",
};

function Candles({ quote, timeframe }: { readonly quote: Quote; readonly timeframe: string }) {
  const platform = usePlatform();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<CandleChart>(undefined);
  const live = useRef<LiveBars>(undefined);
  const [state, setState] = useState<BarsState>("loading");
  // Accounts are told every second: the lines are drawn anew only when they differ.
  const account = useLedger().accounts?.find((each) => each.account === quote.account);
  const marks = JSON.stringify(marksOf(account?.positions ?? [], quote.symbol));
  const { colorScheme } = useColorScheme();
  useEffect(() => {
    if (place.current === null) return undefined;
    const made = new CandleChart(place.current, () => live.current?.older());
    chart.current = made;
    return () => {
      chart.current = undefined;
      made.remove();
    };
  }, []);
  useEffect(() => {
    if (chart.current === undefined) return undefined;
    const bars = new LiveBars({ platform, chart: chart.current, quote, timeframe, onState: setState });
    live.current = bars;
    return bars.start();
  }, [platform, quote, timeframe]);
  useEffect(() => {
    chart.current?.mark(JSON.parse(marks) as Mark[]);
  }, [marks]);
  useEffect(() => {
    // The class on <html> changes in the same commit; its colours can be read in the next frame.
    const frame = requestAnimationFrame(() => chart.current?.recolour());
    return () => cancelAnimationFrame(frame);
  }, [colorScheme]);
  return (
    <div className="chart">
      <div ref={place} className="canvas" role="img" aria-label={`Candles of ${quote.symbol}, ${timeframe}`} />
      {WORDS[state] === "" ? null : <p className="empty over" role="status">{WORDS[state]}</p>}
    </div>
  );
}

export function ChartPanel() {
  const quote = useQuote(useChosen().chosen);
  const [timeframe, setTimeframe] = useState("M1");
  return (
    <section className="panel chart-panel" aria-labelledby="chart-title">
      <header>
        <h2 id="chart-title">{quote?.symbol ?? "Chart"}</h2>
        {quote === undefined ? null : (
          <>
            <span className="dim name">{quote.description === quote.symbol ? "" : quote.description}</span>
            <span className="number">
              <Live key={`b ${quote.key}`} of={quote.key} field="bid" /> <span className="dim">/</span>{" "}
              <Live key={`a ${quote.key}`} of={quote.key} field="ask" />
            </span>
          </>
        )}
        <ToggleButtonGroup
          className="push"
          exclusive
          size="small"
          value={timeframe}
          onChange={(_event, value: string | null) => value !== null && setTimeframe(value)}
          aria-label="Timeframe"
        >
          {Object.keys(TIMEFRAMES).map((name) => (
            <ToggleButton key={name} value={name}>{name}</ToggleButton>
          ))}
        </ToggleButtonGroup>
      </header>
      {quote === undefined ? <p className="empty">Choose a symbol to see its chart.</p> : <Candles quote={quote} timeframe={timeframe} />}
    </section>
  );
}

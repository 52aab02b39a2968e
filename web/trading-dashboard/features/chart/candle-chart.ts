// The chart library behind four verbs: show bars, update the last one, follow the theme, go away.
import {
  CandlestickSeries,
  LineStyle,
  ColorType,
  createChart,
  type CandlestickData,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type UTCTimestamp,
} from "lightweight-charts";
import type { BarView } from "@web/contracts";

/** A price worth a line across the chart: where a position was opened, its stop loss, its take profit. */
export interface Mark {
  readonly price: number;
  readonly title: string;
  readonly kind: "open" | "stop" | "target";
}

function toCandle(bar: BarView): CandlestickData<UTCTimestamp> {
  const time = Math.floor(bar.time_ms / 1_000) as UTCTimestamp;
  return { time, open: bar.open, high: bar.high, low: bar.low, close: bar.close };
}

function colours(element: HTMLElement) {
  const styles = getComputedStyle(element);
  const read = (name: string): string => styles.getPropertyValue(`--mui-palette-${name}`).trim();
  return {
    paper: read("background-paper"),
    text: read("text-secondary"),
    line: read("divider"),
    open: read("primary-main"),
    up: read("success-main"),
    down: read("error-main"),
  };
}

/** Draws into `element` and follows its size. Call `remove` when the element goes. */
export class CandleChart {
  private readonly chart: IChartApi;
  private readonly series: ISeriesApi<"Candlestick">;
  private marks: readonly Mark[] = [];
  private lines: IPriceLine[] = [];

  /** `nearStart` is called when the reader comes near the oldest bar. */
  constructor(
    private readonly element: HTMLElement,
    nearStart: () => void,
  ) {
    this.chart = createChart(element, {
      autoSize: true,
      // The link and the notice that the licence asks for stand in the page's footer: the logo would inject a <style>.
      layout: { attributionLogo: false, fontSize: 11 },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4 },
      localization: { locale: "en-GB" },
    });
    this.series = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.recolour();
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range !== null && range.from < 20) nearStart();
    });
  }

  recolour(): void {
    const is = colours(this.element);
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: is.paper }, textColor: is.text },
      grid: { vertLines: { color: is.line }, horzLines: { color: is.line } },
      rightPriceScale: { borderColor: is.line },
      timeScale: { borderColor: is.line },
    });
    this.series.applyOptions({ upColor: is.up, downColor: is.down, wickUpColor: is.up, wickDownColor: is.down });
    this.mark(this.marks);
  }

  /** Replace all bars. The view stays where the reader is, unless it is another symbol or timeframe. */
  show(bars: readonly BarView[], digits: number, fresh: boolean): void {
    this.series.applyOptions({ priceFormat: { type: "price", precision: digits, minMove: 1 / 10 ** digits } });
    this.series.setData(bars.map(toCandle));
    if (!fresh) return;
    this.chart.priceScale("right").applyOptions({ autoScale: true });
    this.chart.timeScale().setVisibleLogicalRange({ from: bars.length - 120, to: bars.length + 4 });
  }

  /** Draw a line for each mark, instead of those drawn before. */
  mark(marks: readonly Mark[]): void {
    const is = colours(this.element);
    const of = { open: is.open, stop: is.down, target: is.up } as const;
    for (const line of this.lines) this.series.removePriceLine(line);
    this.marks = marks;
    this.lines = marks.map(({ price, title, kind }) =>
      this.series.createPriceLine({ price, title, color: of[kind], lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true }),
    );
  }

  update(bar: BarView): void {
    this.series.update(toCandle(bar));
  }

  remove(): void {
    this.chart.remove();
  }
}

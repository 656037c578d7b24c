/** The chart of a replay: candles up to its bar, what lies over and below them, and room for what is to come. */

import {
  CandlestickSeries,
  CrosshairMode,
  IChartApi,
  IPriceLine,
  ISeriesApi,
  ISeriesMarkersPluginApi,
  LineSeries,
  LineStyle,
  MouseEventParams,
  SeriesMarker,
  TickMarkType,
  Time,
  createChart,
  createSeriesMarkers
} from 'lightweight-charts';

import { candleColors, chartTheme } from '../result/chartTheme.js';
import {
  compact,
  fixed,
  formatValue,
  isoTime,
  quotedDecimals
} from '../result/format.js';
import { ILegendItem, Legend } from '../result/legend.js';
import { IPalette, readPalette } from '../result/palette.js';
import { custom } from '../result/panes.js';
import { Sight } from '../result/sight.js';
import { tickText } from '../result/tickText.js';
import { lastAtOrBefore, snap } from '../result/timeline.js';
import { h } from './dom.js';
import type { Candle, ILine, IScene } from './payload.js';
import { nameOf } from './side.js';
import type { Change } from './store.js';

/** Bars that are seen at first, and the part of the width that is left for those to come. */
const SEEN = 120;
const AHEAD = 0.3;
/** The part of the price's height that is left above it; what its figures take in a narrow place, to this part at most. */
const ABOVE = 0.14;
const MOST_ABOVE = 0.4;
const BELOW = 0.1;
/** Heights of the price and of each pane below it, in parts. */
const PRICE = 5;
const PANE = 1.4;

const QUIET = {
  priceLineVisible: false,
  lastValueVisible: false,
  crosshairMarkerRadius: 3
};

export class ReplayChart {
  constructor(
    private readonly _host: HTMLElement,
    scene: IScene
  ) {
    this._scene = scene;
    this._palette = readPalette(_host);
    this._future = h(
      'div',
      { class: 'alphintra-Replay-future' },
      h('span', {}, 'the future is hidden')
    );
    _host.append(this._future);
    this._chart = createChart(_host, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      localization: {
        locale: 'en',
        timeFormatter: (time: Time) => isoTime(time as number, this._dateOnly)
      },
      timeScale: {
        minBarSpacing: 0.5,
        // The same bars in another width: with its right edge alone kept, a narrow chart shows little but the future's room.
        lockVisibleTimeRangeOnResize: true,
        secondsVisible: false,
        tickMarkFormatter: (time: Time, type: TickMarkType) =>
          tickText(time as number, type)
      }
    });
    this._chart.applyOptions(chartTheme(this._palette));
    this._candles = this._chart.addSeries(CandlestickSeries, {
      ...QUIET,
      ...candleColors(this._palette)
    });
    this._candles
      .priceScale()
      .applyOptions({ scaleMargins: { top: ABOVE, bottom: BELOW } });
    this._arrows = createSeriesMarkers(this._candles, [], { autoScale: false });
    this._chart.subscribeCrosshairMove(this._onCrosshair);
    this._chart.subscribeDblClick(() => this._sight.showWhole());
    this._chart
      .timeScale()
      .subscribeVisibleLogicalRangeChange(() => this._placeFuture());
    this._sight = new Sight(_host, () => this._show(SEEN));
    this._observer = new ResizeObserver(() => this._place());
    this._observer.observe(_host);
    this._rebuild();
    this._sight.showWhole();
  }

  dispose(): void {
    this._sight.dispose();
    this._observer.disconnect();
    this._chart.remove();
    this._future.remove();
    this._legends.forEach(legend => legend.node.remove());
  }

  /** Draw a changed picture; a movement of a few bars leaves the trader's zoom as it is. */
  update(scene: IScene, change: Change): void {
    const before = this._scene;
    this._scene = scene;
    if (change === 'candles') {
      this._append(before.candles.length);
    } else if (change === 'all') {
      const span = this._span();
      this._rebuild();
      this._sight.whenSeen(() => this._show(span));
    }
    this._drawMarks(change !== 'facts' || before.facts.fills !== scene.facts.fills);
    if (before.facts.orders !== scene.facts.orders) {
      this._drawOrders();
    }
    this._showValues(null);
    this._placeFuture();
  }

  /** Take the colours anew after the theme or the setting changed. */
  recolor(): void {
    this._palette = readPalette(this._host);
    this._chart.applyOptions(chartTheme(this._palette));
    this._candles.applyOptions(candleColors(this._palette));
    this._lines.forEach((line, i) =>
      line.applyOptions({ color: this._color(i) })
    );
    this._drawMarks(true);
    this._drawOrders();
    this._showValues(null);
  }

  private _rebuild(): void {
    const { candles, lines } = this._scene;
    this._dateOnly = !this._scene.facts.intraday;
    this._chart.applyOptions({ timeScale: { timeVisible: !this._dateOnly } });
    this._decimals = quotedDecimals(candles.map(candle => candle[4]));
    this._candles.applyOptions({
      priceFormat: custom(v => fixed(v, this._decimals), 10 ** -this._decimals)
    });
    this._candles.setData(candles.map(bar));
    const names = lines.map(line => `${line.name}\u0000${line.pane}`).join('\u0001');
    if (names !== this._names) {
      this._names = names;
      this._makeLines();
    }
    this._lines.forEach((series, i) =>
      series.setData(
        candles.map((candle, at) => point(candle, lines[i]!.values[at]))
      )
    );
    this._drawMarks(true);
    this._drawOrders();
    this._showValues(null);
  }

  private _makeLines(): void {
    this._lines.forEach(line => this._chart.removeSeries(line));
    this._lines = this._scene.lines.map((line, i) =>
      this._chart.addSeries(
        LineSeries,
        {
          ...QUIET,
          color: this._color(i),
          lineWidth: 1,
          priceFormat: custom(this._format(line), 1e-8)
        },
        line.overlay ? 0 : line.pane
      )
    );
    const panes = this._chart.panes();
    panes.forEach((pane, i) => pane.setStretchFactor(i === 0 ? PRICE : PANE));
    this._legends.forEach(legend => legend.node.remove());
    this._legends = panes.map(() => new Legend(this._host));
    requestAnimationFrame(() => this._place());
  }

  private _append(from: number): void {
    const { candles, lines } = this._scene;
    for (let at = from; at < candles.length; at += 1) {
      const candle = candles[at]!;
      this._candles.update(bar(candle));
      this._lines.forEach((series, i) =>
        series.update(point(candle, lines[i]!.values[at]))
      );
    }
  }

  private _drawMarks(changed: boolean): void {
    if (!changed) {
      return;
    }
    const times = this._scene.candles.map(candle => candle[0]);
    const first = times[0];
    const last = times[times.length - 1];
    this._arrows.setMarkers(
      first === undefined || last === undefined
        ? []
        : this._scene.facts.fills
            .filter(fill => fill.time >= first && fill.time <= last)
            .map((fill): SeriesMarker<Time> => {
              const buy = fill.side === 'BUY';
              return {
                time: times[snap(times, fill.time)]! as Time,
                position: buy ? 'belowBar' : 'aboveBar',
                shape: buy ? 'arrowUp' : 'arrowDown',
                color: buy ? this._palette.up : this._palette.down
              };
            })
    );
  }

  private _drawOrders(): void {
    this._orders.forEach(line => this._candles.removePriceLine(line));
    const { orders, symbol } = this._scene.facts;
    this._orders = orders
      .filter(order => order.symbol === symbol)
      .flatMap(order =>
        [order.stop, order.limit]
          .filter(price => price !== null)
          .map(price => ({ ...order, price }))
      )
      .map(order =>
        this._candles.createPriceLine({
          price: order.price,
          color: order.side === 'BUY' ? this._palette.up : this._palette.down,
          lineWidth: 1,
          lineStyle: LineStyle.Dashed,
          axisLabelVisible: true,
          title: `${nameOf(order)} \u00b7 ${formatValue(order.quantity, 'quantity')}`
        })
      );
  }

  private _color(i: number): string {
    return this._palette.series[i % this._palette.series.length]!;
  }

  private _format(line: ILine): (value: number) => string {
    return line.overlay ? v => fixed(v, this._decimals) : compact;
  }

  private _span(): number {
    const range = this._chart.timeScale().getVisibleLogicalRange();
    return range ? Math.max(10, range.to - range.from) : SEEN;
  }

  /** Put the bar at its place, with `span` bars across the chart. */
  private _show(span: number): void {
    const last = this._scene.candles.length - 1;
    this._chart.timeScale().setVisibleLogicalRange({
      from: last + span * AHEAD - span,
      to: last + span * AHEAD
    });
    for (const pane of this._chart.panes()) {
      pane.priceScale('right').setAutoScale(true);
    }
  }

  private _place(): void {
    const origin = this._host.getBoundingClientRect().top;
    this._chart.panes().forEach((pane, i) => {
      const node = pane.getHTMLElement();
      if (node) {
        this._legends[i]?.moveTo(node.getBoundingClientRect().top - origin);
      }
    });
    this._clearLegend();
    this._placeFuture();
  }

  /** In a narrow place the figures take several lines: the latest bars, which are looked at, are not to lie below them. */
  private _clearLegend(): void {
    const price = this._chart.panes()[0]?.getHeight() ?? 0;
    const figures = (this._legends[0]?.node.offsetHeight ?? 0) + 12;
    const top = price > 0 ? Math.min(MOST_ABOVE, Math.max(ABOVE, figures / price)) : ABOVE;
    const scale = this._candles.priceScale();
    if (Math.abs((scale.options().scaleMargins?.top ?? 0) - top) > 0.005) {
      scale.applyOptions({ scaleMargins: { top, bottom: BELOW } });
    }
  }

  private _placeFuture(): void {
    const last = this._scene.candles.length - 1;
    const scale = this._chart.timeScale();
    const x = last < 0 ? 0 : scale.logicalToCoordinate(last as never);
    const range = scale.getVisibleLogicalRange();
    const width = scale.width();
    if (x === null || range === null) {
      this._future.hidden = true;
      return;
    }
    const half = width / Math.max(1, range.to - range.from) / 2;
    const left = last < 0 ? 0 : Math.max(0, x + half);
    this._future.hidden = left >= width;
    this._future.style.left = `${left}px`;
    this._future.style.width = `${Math.max(0, width - left)}px`;
    this._future.style.bottom = `${scale.height()}px`;
  }

  private readonly _onCrosshair = (event: MouseEventParams<Time>): void => {
    this._showValues(event.time === undefined ? null : (event.time as number));
  };

  /** The figures over each pane: at the crosshair, else at the last bar. */
  private _showValues(time: number | null): void {
    const { candles, lines, facts } = this._scene;
    const times = candles.map(candle => candle[0]);
    const at = time === null ? candles.length - 1 : lastAtOrBefore(times, time);
    const candle = candles[at];
    const values = (i: number, line: ILine): ILegendItem => {
      const value = candle ? line.values[at] : null;
      return {
        label: line.name,
        value: value === null || value === undefined ? '' : this._format(line)(value),
        color: this._color(i)
      };
    };
    const price: ILegendItem[] = [{ label: '', value: facts.symbol, strong: true }];
    if (candle) {
      ['O', 'H', 'L', 'C'].forEach((label, i) =>
        price.push({ label, value: fixed(candle[i + 1]!, this._decimals) })
      );
      if (candle[5] !== null && candle[5] !== undefined) {
        price.push({ label: 'V', value: compact(candle[5]) });
      }
    }
    const shown = this._legends.map((_, i) => (i === 0 ? price : []));
    lines.forEach((line, i) =>
      shown[line.overlay ? 0 : line.pane]?.push(values(i, line))
    );
    this._legends.forEach((legend, i) => legend.show(shown[i]!));
  }

  private _scene: IScene;
  private _palette: IPalette;
  private _dateOnly = true;
  private _decimals = 2;
  private _names: string | null = null;
  private readonly _chart: IChartApi;
  private readonly _sight: Sight;
  private readonly _candles: ISeriesApi<'Candlestick', Time>;
  private readonly _arrows: ISeriesMarkersPluginApi<Time>;
  private _lines: ISeriesApi<'Line', Time>[] = [];
  private _orders: IPriceLine[] = [];
  private _legends: Legend[] = [];
  private readonly _future: HTMLDivElement;
  private readonly _observer: ResizeObserver;
}

function bar([time, open, high, low, close]: Candle): {
  time: Time;
  open: number;
  high: number;
  low: number;
  close: number;
} {
  return { time: time as Time, open, high, low, close };
}

function point(
  [time]: Candle,
  value: number | null | undefined
): { time: Time; value?: number } {
  return value === null || value === undefined
    ? { time: time as Time }
    : { time: time as Time, value };
}

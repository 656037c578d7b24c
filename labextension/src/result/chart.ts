/**
 * The linked charts of a result: candles with trades and indicators, equity against the
 * benchmark, drawdown. They are panes of one chart, so range and crosshair are shared.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { IDisposable } from '@lumino/disposable';
import {
  CrosshairMode,
  IChartApi,
  ISeriesApi,
  ISeriesMarkersPluginApi,
  MouseEventParams,
  PriceScaleMode,
  TickMarkType,
  Time,
  createChart,
  createSeriesMarkers
} from 'lightweight-charts';

import type { IChartContent, IChartHandlers } from './chartContent.js';
import { chartAction } from './chartKeys.js';
import { PANE_HEIGHTS } from './chartLayout.js';
import { candleColors, chartTheme, drawdownColors } from './chartTheme.js';
import { datesOnly, isoTime } from './format.js';
import { ILegendItem, Legend } from './legend.js';
import { IPalette, readPalette } from './palette.js';
import {
  IPane,
  addDrawdown,
  addEquity,
  addLines,
  addPrice
} from './panes.js';
import type { ISymbolSeries } from './payload.js';
import { Sight } from './sight.js';
import { tickText } from './tickText.js';
import {
  IAlignedCurve,
  LABEL_WIDTH,
  LEAST_SPACING,
  alignCurve,
  lastAtOrBefore,
  leastSpacing,
  snap,
  wholeRange
} from './timeline.js';
import { arrowsOf, pathsOf } from './tradeMarks.js';
import { TradePaths, tradeUnder } from './tradePaths.js';
import type { ITrade } from './trades.js';

export class ResultChart implements IDisposable {
  constructor(
    host: HTMLElement,
    content: IChartContent,
    handlers: IChartHandlers,
    trans: TranslationBundle
  ) {
    this._host = host;
    this._content = content;
    this._handlers = handlers;
    this._trans = trans;
    this._palette = readPalette(host);
    this._symbol =
      content.charts.symbols.find(item => item.symbol === content.symbol) ??
      null;
    const candles = this._symbol?.time ?? [];
    this._curve = alignCurve(content.charts.curve, candles);
    this._axis = [...new Set([...candles, ...this._curve.time])].sort(
      (a, b) => a - b
    );
    this._dateOnly = datesOnly(this._axis);
    this._chart = createChart(host, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      localization: {
        locale: 'en',
        timeFormatter: (time: Time) => isoTime(time as number, this._dateOnly)
      },
      timeScale: {
        minBarSpacing: LEAST_SPACING,
        rightOffset: 2,
        timeVisible: !this._dateOnly,
        secondsVisible: false,
        // The first label is moved in from the edge, instead of being cut by it.
        fixLeftEdge: true,
        enableConflation: true,
        tickMarkFormatter: (time: Time, type: TickMarkType) =>
          tickText(time as number, type)
      }
    });
    this._sight = new Sight(host, this._fit);
    this._chart.applyOptions(chartTheme(this._palette));
    this._build();
    this._chart.subscribeCrosshairMove(this._onCrosshair);
    this._chart.subscribeClick(this._onClick);
    this._chart.subscribeDblClick(this.reset);
    host.addEventListener('keydown', this._onKey);
    this._observer = new ResizeObserver(() => {
      this._bound();
      this._placeLegends();
    });
    for (const pane of this._chart.panes()) {
      const node = pane.getHTMLElement();
      if (node) {
        this._observer.observe(node);
      }
    }
    this._showValues(this._axis.length - 1);
    this.reset();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._host.removeEventListener('keydown', this._onKey);
    this._observer.disconnect();
    this._sight.dispose();
    this._panes.forEach(pane => pane.legend.node.remove());
    this._chart.remove();
  }

  /** Show the whole run again, with automatic price ranges. */
  readonly reset = (): void => {
    for (const pane of this._chart.panes()) {
      pane.priceScale('right').setAutoScale(true);
    }
    this._sight.showWhole();
  };

  private get _width(): number {
    return this._host.clientWidth - this._chart.priceScale('right').width();
  }

  /** Let no more be seen than the whole run, and a little beside it. */
  private _bound(): void {
    const least = leastSpacing(this._axis.length, this._width, LABEL_WIDTH);
    this._chart.timeScale().applyOptions({ minBarSpacing: least });
  }

  /** So that the last date of the axis is whole as well. */
  private readonly _fit = (): void => {
    this._bound();
    const scale = this._chart.timeScale();
    const range = wholeRange({ start: 0, time: this._axis }, this._width, LABEL_WIDTH);
    if (range) {
      scale.setVisibleLogicalRange(range);
    } else {
      scale.fitContent();
    }
  };

  /** Take the colours anew after the theme or the setting changed. */
  recolor(): void {
    this._palette = readPalette(this._host);
    this._chart.applyOptions(chartTheme(this._palette));
    this._candles?.applyOptions(candleColors(this._palette));
    for (const pane of this._panes) {
      for (const source of pane.sources) {
        source.series?.applyOptions({ color: source.color(this._palette) });
      }
    }
    this._drawdown?.applyOptions(drawdownColors(this._palette));
    if (this._paths) {
      this._paths.palette = this._palette;
    }
    if (this._symbol) {
      this._arrows?.setMarkers(
        arrowsOf(this._content.charts.markers, this._symbol, this._palette)
      );
    }
    this._showValues(this._at);
  }

  setLogarithmic(on: boolean): void {
    const mode = on ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal;
    for (const series of [this._candles, this._equity]) {
      series?.priceScale().applyOptions({ mode });
    }
  }

  /** Mark a trade and bring it into view; the row in the table was chosen. */
  showTrade(trade: ITrade): void {
    this.highlight(trade.id);
    this._sight.leaveWhole();
    const from = snap(this._axis, trade.entryTime);
    const to =
      trade.exitTime === null
        ? this._axis.length - 1
        : snap(this._axis, trade.exitTime);
    const margin = Math.max(15, Math.round((to - from) * 0.6));
    this._chart
      .timeScale()
      .setVisibleLogicalRange({ from: from - margin, to: to + margin });
  }

  highlight(id: number | null): void {
    if (this._paths) {
      this._paths.active = id;
    }
  }

  private _build(): void {
    const charts = this._content.charts;
    const symbol = this._symbol;
    const context = {
      chart: this._chart,
      palette: this._palette,
      axis: this._axis,
      trans: this._trans
    };
    const heights: number[] = [];
    const add = (pane: IPane, height: number): void => {
      this._panes.push({ ...pane, legend: new Legend(this._host) });
      heights.push(height);
    };
    if (symbol) {
      const { pane, candles } = addPrice(context, symbol, heights.length);
      add(pane, PANE_HEIGHTS.price);
      this._candles = candles;
      this._paths = new TradePaths(
        pathsOf(this._content.trades, symbol),
        this._palette
      );
      candles.attachPrimitive(this._paths);
      this._arrows = createSeriesMarkers(
        candles,
        arrowsOf(charts.markers, symbol, this._palette),
        // The margins of the scale have room for arrows; rescaling for them would squeeze the candles.
        { autoScale: false }
      );
      const apart = symbol.indicators.filter(item => !item.overlay);
      if (apart.length > 0) {
        const lines = apart.map(item => ({ ...item, time: symbol.time }));
        const title = this._trans.__('Indicators');
        add(
          addLines(context, title, lines, heights.length),
          PANE_HEIGHTS.indicator
        );
      }
    }
    const account = addEquity(context, this._curve, heights.length);
    add(account.pane, PANE_HEIGHTS.equity);
    this._equity = account.equity;
    const below = addDrawdown(context, this._curve, heights.length);
    add(below.pane, PANE_HEIGHTS.drawdown);
    this._drawdown = below.drawdown;
    if (this._content.showRecorded && charts.recorded.length > 0) {
      const title = this._trans.__('Recorded');
      add(
        addLines(context, title, charts.recorded, heights.length),
        PANE_HEIGHTS.recorded
      );
    }
    this._chart
      .panes()
      .forEach((pane, i) => pane.setStretchFactor(heights[i] ?? 1));
    this.setLogarithmic(this._content.logarithmic);
  }

  private _placeLegends(): void {
    const origin = this._host.getBoundingClientRect().top;
    this._chart.panes().forEach((pane, i) => {
      const node = pane.getHTMLElement();
      if (node) {
        this._panes[i]?.legend.moveTo(node.getBoundingClientRect().top - origin);
      }
    });
  }

  private _showValues(at: number): void {
    this._at = at;
    const time = this._axis[at];
    this._panes.forEach((pane, i) => {
      const items: ILegendItem[] = [
        {
          label: '',
          value:
            i === 0 && time !== undefined
              ? `${pane.title}  ${isoTime(time, this._dateOnly)}`
              : pane.title,
          strong: true
        }
      ];
      for (const source of pane.sources) {
        const index =
          time === undefined ? -1 : lastAtOrBefore(source.time, time);
        const value = index < 0 ? null : source.values[index];
        items.push({
          label: source.label,
          value:
            value === null || value === undefined ? '' : source.format(value),
          ...(source.series ? { color: source.color(this._palette) } : {})
        });
      }
      pane.legend.show(items);
    });
  }

  private _spoken(): string {
    return this._panes
      .map(pane => pane.legend.node.innerText.replace(/\s+/g, ' '))
      .join('; ');
  }

  private readonly _onCrosshair = (event: MouseEventParams<Time>): void => {
    const at =
      event.time === undefined
        ? this._axis.length - 1
        : lastAtOrBefore(this._axis, event.time as number);
    this._showValues(at);
    const id = tradeUnder(event);
    this._handlers.hoverTrade(id, event.point?.x ?? 0, event.point?.y ?? 0);
  };

  private readonly _onClick = (event: MouseEventParams<Time>): void => {
    const id = tradeUnder(event);
    if (id !== null) {
      this._handlers.clickTrade(id);
    }
  };

  private readonly _onKey = (event: KeyboardEvent): void => {
    const range = this._chart.timeScale().getVisibleLogicalRange();
    const action = chartAction(event, {
      host: this._host,
      at: this._at,
      last: this._axis.length - 1,
      span: range ? range.to - range.from : this._axis.length
    });
    if (action === null) {
      return;
    }
    if ('walk' in action) {
      this._walk(action.walk);
    } else if ('zoom' in action) {
      this._zoom(action.zoom);
    } else {
      this.reset();
    }
    event.preventDefault();
    event.stopPropagation();
  };

  private _walk(to: number): void {
    const at = Math.max(0, Math.min(this._axis.length - 1, to));
    const series = this._candles ?? this._equity;
    const time = this._axis[at];
    if (!series || time === undefined) {
      return;
    }
    const scale = this._chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (range && (at < range.from || at > range.to)) {
      const half = (range.to - range.from) / 2;
      scale.setVisibleLogicalRange({ from: at - half, to: at + half });
    }
    const closes = this._symbol?.close;
    const index = lastAtOrBefore(this._symbol?.time ?? this._curve.time, time);
    const price =
      closes?.[Math.max(0, index)] ?? this._curve.equity[index] ?? 0;
    this._chart.setCrosshairPosition(price, time as Time, series);
    this._showValues(at);
    this._handlers.announce(this._spoken());
  }

  private _zoom(factor: number): void {
    const scale = this._chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range) {
      return;
    }
    const inside = this._at >= range.from && this._at <= range.to;
    const center = inside ? this._at : (range.from + range.to) / 2;
    scale.setVisibleLogicalRange({
      from: center - (center - range.from) * factor,
      to: center + (range.to - center) * factor
    });
  }

  private _host: HTMLElement;
  private _content: IChartContent;
  private _handlers: IChartHandlers;
  private _trans: TranslationBundle;
  private _palette: IPalette;
  private _symbol: ISymbolSeries | null;
  private _curve: IAlignedCurve;
  private _axis: number[];
  private _dateOnly: boolean;
  private _chart: IChartApi;
  private _candles: ISeriesApi<'Candlestick', Time> | null = null;
  private _equity: ISeriesApi<'Line', Time> | null = null;
  private _drawdown: ISeriesApi<'Area', Time> | null = null;
  private _paths: TradePaths | null = null;
  private _arrows: ISeriesMarkersPluginApi<Time> | null = null;
  private _panes: (IPane & { legend: Legend })[] = [];
  private _observer: ResizeObserver;
  private _sight: Sight;
  private _at = -1;
  private _isDisposed = false;
}

/** The panes of the chart: their series, and what their legends say. */

import type { TranslationBundle } from '@jupyterlab/translation';
import {
  AreaSeries,
  CandlestickSeries,
  IChartApi,
  ISeriesApi,
  LineSeries,
  SeriesType,
  Time
} from 'lightweight-charts';

import { candleColors, drawdownColors } from './chartTheme.js';
import { THIN, compact, fixed, quotedDecimals } from './format.js';
import type { IPalette } from './palette.js';
import type { ISymbolSeries } from './payload.js';
import { IAlignedCurve, lastAtOrBefore } from './timeline.js';

type Values = readonly (number | null)[];

/** One value in a legend, looked up on its own time axis. */
export interface ILegendSource {
  label: string;
  /** The line whose colour the label carries; `null` for a figure without one. */
  series: ISeriesApi<SeriesType, Time> | null;
  time: readonly number[];
  values: Values;
  format: (value: number) => string;
  color: (palette: IPalette) => string;
}

export interface IPane {
  title: string;
  sources: ILegendSource[];
}

export interface IBuildContext {
  chart: IChartApi;
  palette: IPalette;
  axis: readonly number[];
  trans: TranslationBundle;
}

interface INamedLine {
  name: string;
  time: readonly number[];
  values: Values;
}

const QUIET = {
  priceLineVisible: false,
  lastValueVisible: false,
  crosshairMarkerRadius: 3
};

function points(
  time: readonly number[],
  values: Values
): { time: Time; value?: number }[] {
  return time.map((t, i) => {
    const value = values[i];
    return value === null || value === undefined
      ? { time: t as Time }
      : { time: t as Time, value };
  });
}

/** Prices of a series in our own words. */
export function custom(
  formatter: (value: number) => string,
  minMove: number
): { type: 'custom'; formatter: (value: number) => string; minMove: number } {
  return { type: 'custom', formatter, minMove };
}

function money(value: number): string {
  return fixed(value, Math.abs(value) >= 1000 ? 0 : 2);
}

/** A coloured line that takes its turn in the palette. */
function addLine(
  context: IBuildContext,
  line: INamedLine,
  turn: number,
  index: number,
  format: (value: number) => string
): ILegendSource {
  const color = (palette: IPalette): string =>
    palette.series[turn % palette.series.length]!;
  const series = context.chart.addSeries(
    LineSeries,
    {
      ...QUIET,
      color: color(context.palette),
      lineWidth: 1,
      priceFormat: custom(format, 1e-8)
    },
    index
  );
  series.setData(points(line.time, line.values));
  return {
    label: line.name,
    series,
    time: line.time,
    values: line.values,
    format,
    color
  };
}

/** Candles of a symbol and the indicators that lie over them. */
export function addPrice(
  context: IBuildContext,
  symbol: ISymbolSeries,
  index: number
): { pane: IPane; candles: ISeriesApi<'Candlestick', Time> } {
  const { trans } = context;
  const decimals = quotedDecimals(symbol.close);
  const price = (value: number): string => fixed(value, decimals);
  const candles = context.chart.addSeries(
    CandlestickSeries,
    {
      ...QUIET,
      ...candleColors(context.palette),
      priceFormat: custom(price, 10 ** -decimals)
    },
    index
  );
  candles.setData(
    symbol.time.map((time, i) => ({
      time: time as Time,
      open: symbol.open[i]!,
      high: symbol.high[i]!,
      low: symbol.low[i]!,
      close: symbol.close[i]!
    }))
  );
  candles
    .priceScale()
    .applyOptions({ scaleMargins: { top: 0.12, bottom: 0.08 } });
  const figure = (
    label: string,
    values: Values,
    format = price
  ): ILegendSource => ({
    label,
    series: null,
    time: symbol.time,
    values,
    format,
    color: palette => palette.text
  });
  const sources = [
    figure(trans.__('O'), symbol.open),
    figure(trans.__('H'), symbol.high),
    figure(trans.__('L'), symbol.low),
    figure(trans.__('C'), symbol.close)
  ];
  if (symbol.volume) {
    sources.push(figure(trans.__('V'), symbol.volume, compact));
  }
  symbol.indicators
    .filter(item => item.overlay)
    .forEach((item, turn) => {
      const line = { ...item, time: symbol.time };
      sources.push(addLine(context, line, turn, index, price));
    });
  return { pane: { title: symbol.symbol, sources }, candles };
}

/** Indicators on a scale of their own, or recorded series. */
export function addLines(
  context: IBuildContext,
  title: string,
  lines: readonly INamedLine[],
  index: number
): IPane {
  const known = new Set(context.axis);
  const sources = lines.map((line, turn) => {
    // A value between two candles is drawn at the first candle that knows it.
    const onAxis = line.time.every(time => known.has(time))
      ? line
      : {
          name: line.name,
          time: context.axis,
          values: context.axis.map(time => {
            const at = lastAtOrBefore(line.time, time);
            return at < 0 ? null : (line.values[at] ?? null);
          })
        };
    return addLine(context, onAxis, turn, index, compact);
  });
  return { title, sources };
}

/** The account against the benchmark. */
export function addEquity(
  context: IBuildContext,
  curve: IAlignedCurve,
  index: number
): { pane: IPane; equity: ISeriesApi<'Line', Time> } {
  const { chart, palette, trans } = context;
  const options = { ...QUIET, priceFormat: custom(compact, 0.01) };
  const sources: ILegendSource[] = [];
  if (curve.benchmark) {
    const series = chart.addSeries(
      LineSeries,
      { ...options, color: palette.benchmark, lineWidth: 1 },
      index
    );
    series.setData(points(curve.time, curve.benchmark));
    sources.push({
      label: trans.__('benchmark'),
      series,
      time: curve.time,
      values: curve.benchmark,
      format: money,
      color: p => p.benchmark
    });
  }
  const equity = chart.addSeries(
    LineSeries,
    { ...options, color: palette.strategy, lineWidth: 2 },
    index
  );
  equity.setData(points(curve.time, curve.equity));
  sources.unshift({
    label: trans.__('strategy'),
    series: equity,
    time: curve.time,
    values: curve.equity,
    format: money,
    color: p => p.strategy
  });
  return { pane: { title: trans.__('Equity'), sources }, equity };
}

/** How far the account is below its highest value so far. */
export function addDrawdown(
  context: IBuildContext,
  curve: IAlignedCurve,
  index: number
): { pane: IPane; drawdown: ISeriesApi<'Area', Time> } {
  const percent = (value: number): string =>
    `${fixed(value * 100, 1)}${THIN}%`;
  const drawdown = context.chart.addSeries(
    AreaSeries,
    {
      ...QUIET,
      ...drawdownColors(context.palette),
      lineWidth: 1,
      invertFilledArea: true,
      priceFormat: custom(percent, 0.0001)
    },
    index
  );
  drawdown.setData(points(curve.time, curve.drawdown));
  drawdown
    .priceScale()
    .applyOptions({ scaleMargins: { top: 0.02, bottom: 0.08 } });
  return {
    pane: {
      title: context.trans.__('Drawdown'),
      sources: [
        {
          label: '',
          series: null,
          time: curve.time,
          values: curve.drawdown,
          format: percent,
          color: p => p.down
        }
      ]
    },
    drawdown
  };
}

/** The chart of a dataset: candles with volume, or a line where there are no bars. */

import { IDisposable } from '@lumino/disposable';
import {
  CrosshairMode,
  IChartApi,
  ISeriesApi,
  LineData,
  TickMarkType,
  Time,
  WhitespaceData,
  CandlestickSeries,
  HistogramSeries,
  ISeriesMarkersPluginApi,
  LineSeries,
  createChart,
  createSeriesMarkers
} from 'lightweight-charts';

import type { ICandles, IDatasetChart } from '../api/datasets.js';
import { candleColors, chartTheme } from '../result/chartTheme.js';
import { datesOnly, fixed, isoTime, priceDecimals } from '../result/format.js';
import { readPalette } from '../result/palette.js';
import { tickText } from '../result/tickText.js';
import { barAt } from './report.js';

type Point = LineData<Time> | WhitespaceData<Time>;

/** Points with gaps where there is no value. */
function points(time: readonly number[], values: readonly (number | null)[]): Point[] {
  return time.map((at, i) => {
    const value = values[i];
    return value === null || value === undefined ? { time: at as Time } : { time: at as Time, value };
  });
}

/** Candles of the bars that have all four prices. */
export function bars(candles: ICandles): { time: Time; open: number; high: number; low: number; close: number }[] {
  return candles.time.flatMap((at, i) => {
    const [open, high, low, close] = [candles.open[i], candles.high[i], candles.low[i], candles.close[i]];
    return typeof open === 'number' && typeof high === 'number' && typeof low === 'number' && typeof close === 'number'
      ? [{ time: at as Time, open, high, low, close }]
      : [];
  });
}

export class DatasetChart implements IDisposable {
  /** `read` is told what stands at the crosshair, or at the end. */
  constructor(
    private readonly _host: HTMLElement,
    private readonly _data: IDatasetChart,
    private readonly _places: readonly { time: number; severity: string }[],
    private readonly _read: (text: string) => void
  ) {
    const dateOnly = datesOnly(_data.candles?.time ?? _data.time);
    this._dateOnly = dateOnly;
    this._chart = createChart(_host, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      localization: { locale: 'en', timeFormatter: (time: Time) => isoTime(time as number, dateOnly) },
      timeScale: {
        minBarSpacing: 0.02,
        rightOffset: 2,
        timeVisible: !dateOnly,
        secondsVisible: false,
        enableConflation: true,
        tickMarkFormatter: (time: Time, type: TickMarkType) => tickText(time as number, type)
      }
    });
    const { candles } = _data;
    const last = (candles?.close ?? _data.values).filter(value => value !== null).at(-1) ?? 1;
    const decimals = priceDecimals(last);
    this._decimals = decimals;
    const priceFormat = { type: 'price', precision: decimals, minMove: 10 ** -decimals } as const;
    if (candles) {
      this._candles = this._chart.addSeries(CandlestickSeries, { priceFormat, lastValueVisible: false, priceLineVisible: false });
      this._candles.setData(bars(candles));
      if (candles.volume) {
        this._volume = this._chart.addSeries(
          HistogramSeries,
          { priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false },
          1
        );
        this._volume.setData(points(candles.time, candles.volume));
        const [price, volume] = this._chart.panes();
        price?.setStretchFactor(3);
        volume?.setStretchFactor(1);
      }
    } else {
      this._line = this._chart.addSeries(LineSeries, { lineWidth: 2, priceFormat, lastValueVisible: false, priceLineVisible: false });
      this._line.setData(points(_data.time, _data.values));
    }
    const series = this._candles ?? this._line;
    if (series && _places.length > 0) {
      this._marks = createSeriesMarkers(series as ISeriesApi<'Candlestick' | 'Line', Time>, []);
    }
    this.recolor();
    this._chart.subscribeCrosshairMove(move => this._say(typeof move.logical === 'number' ? move.logical : null));
    this._chart.subscribeDblClick(() => this._chart.timeScale().fitContent());
    _host.addEventListener('keydown', this._onKey);
    this._chart.timeScale().fitContent();
    this._say(null);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._host.removeEventListener('keydown', this._onKey);
      this._chart.remove();
    }
  }

  /** Take the colours anew after the theme or the setting changed. */
  recolor(): void {
    const palette = readPalette(this._host);
    this._chart.applyOptions(chartTheme(palette));
    this._candles?.applyOptions(candleColors(palette));
    this._volume?.applyOptions({ color: palette.muted });
    this._line?.applyOptions({ color: palette.strategy });
    const times = this._data.candles?.time ?? this._data.time;
    this._marks?.setMarkers(
      this._places.flatMap(({ time, severity }) => {
        const at = times[barAt(times, time)];
        return at === undefined
          ? []
          : [
              {
                time: at as Time,
                position: 'aboveBar' as const,
                shape: 'arrowDown' as const,
                size: 1.5,
                color: severity === 'error' ? palette.error : palette.warning
              }
            ];
      })
    );
  }

  private get _count(): number {
    return (this._data.candles?.time ?? this._data.time).length;
  }

  private _say(at: number | null): void {
    const i = Math.max(0, Math.min(this._count - 1, at === null ? this._count - 1 : Math.round(at)));
    const { candles, time, values } = this._data;
    const text = (value: number | null | undefined): string =>
      value === null || value === undefined ? '\u2013' : fixed(value, this._decimals);
    const when = (candles?.time ?? time)[i];
    if (when === undefined) {
      this._read('');
      return;
    }
    this._at = i;
    this._read(
      candles
        ? [
            isoTime(when, this._dateOnly),
            `O ${text(candles.open[i])}`,
            `H ${text(candles.high[i])}`,
            `L ${text(candles.low[i])}`,
            `C ${text(candles.close[i])}`,
            candles.volume ? `V ${fixed(candles.volume[i] ?? 0, 0)}` : ''
          ]
            .filter(Boolean)
            .join('  ')
        : `${isoTime(when, this._dateOnly)}  ${text(values[i])}`
    );
  }

  private readonly _onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const scale = this._chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const zoom = (factor: number): void => {
      if (range) {
        const half = ((range.to - range.from) / 2) * factor;
        const center = (range.to + range.from) / 2;
        scale.setVisibleLogicalRange({ from: center - half, to: center + half });
      }
    };
    switch (event.key) {
      case 'ArrowLeft':
      case 'ArrowRight': {
        const pace = event.shiftKey ? 10 : 1;
        const to = this._at + (event.key === 'ArrowLeft' ? -pace : pace);
        this._say(to);
        const series = this._candles ?? this._line;
        const { candles, time, values } = this._data;
        const when = (candles?.time ?? time)[this._at];
        const price = (candles?.close ?? values)[this._at];
        if (series && when !== undefined && typeof price === 'number') {
          this._chart.setCrosshairPosition(price, when as Time, series);
        }
        break;
      }
      case '+':
      case '=':
        zoom(0.7);
        break;
      case '-':
        zoom(1 / 0.7);
        break;
      case '0':
        scale.fitContent();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  private readonly _chart: IChartApi;
  private readonly _dateOnly: boolean;
  private readonly _decimals: number;
  private _candles: ISeriesApi<'Candlestick', Time> | null = null;
  private _volume: ISeriesApi<'Histogram', Time> | null = null;
  private _line: ISeriesApi<'Line', Time> | null = null;
  private _marks: ISeriesMarkersPluginApi<Time> | null = null;
  private _at = 0;
  private _isDisposed = false;
}

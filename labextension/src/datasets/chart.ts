/** The chart of a dataset: candles with volume, or a line where there are no bars; of a long series the part looked at. */

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

import { candleColors, chartTheme } from '../result/chartTheme.js';
import { datesOnly, fixed, isoTime, quotedDecimals } from '../result/format.js';
import { readPalette } from '../result/palette.js';
import { Sight } from '../result/sight.js';
import { tickText } from '../result/tickText.js';
import { LABEL_WIDTH, LEAST_SPACING, leastSpacing, wholeRange } from '../result/timeline.js';
import { IDrawn, IPart, around, countOf, partFor, placeOf, rowAt, suffices } from './chartWindow.js';
import { marksOn } from './report.js';

type Point = LineData<Time> | WhitespaceData<Time>;
type Values = readonly (number | null)[];

/** Points with gaps where there is no value. */
function points(time: readonly number[], values: Values): Point[] {
  return time.map((at, i) => {
    const value = values[i];
    return value === null || value === undefined ? { time: at as Time } : { time: at as Time, value };
  });
}

/**
 * Candles, with gaps where one of the four prices is missing. A close above its high is an error that is marked, and to be
 * seen: the axis has room for what is between high and low.
 */
export function bars(drawn: IDrawn): (WhitespaceData<Time> & { open?: number; high?: number; low?: number; close?: number })[] {
  return drawn.time.map((at, i) => {
    const [open, high, low, close] = [drawn.open?.[i], drawn.high?.[i], drawn.low?.[i], drawn.close[i]];
    return typeof open === 'number' && typeof high === 'number' && typeof low === 'number' && typeof close === 'number'
      ? { time: at as Time, open, high: Math.max(open, high, close), low: Math.min(open, low, close), close }
      : { time: at as Time };
  });
}

/** Between the values that are told of: where it is narrow a line ends there. */
export const GAP = '  ';
/** The price axis, in pixels. */
const AXIS_WIDTH = 64;
/** What the chart takes for a pointer that moves. */
const POINTED = ['mousemove', 'mouseenter'] as const;

export class DatasetChart implements IDisposable {
  /** `read` is told what stands at the crosshair, or at the end; `want` which part would show better what is looked at. */
  constructor(
    private readonly _host: HTMLElement,
    drawn: IDrawn,
    private readonly _places: readonly { time: number; severity: string }[],
    private readonly _read: (text: string) => void,
    private readonly _want: (part: IPart | null) => void
  ) {
    this._drawn = drawn;
    this._decimals = quotedDecimals(drawn.close);
    this._chart = createChart(_host, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      // A drag that went on by itself would go on over what is not there yet.
      kineticScroll: { mouse: false, touch: false },
      localization: { locale: 'en', timeFormatter: (time: Time) => isoTime(time as number, this._dateOnly) },
      timeScale: {
        minBarSpacing: LEAST_SPACING,
        rightOffset: 2,
        secondsVisible: false,
        enableConflation: true,
        tickMarkFormatter: (time: Time, type: TickMarkType) => tickText(time as number, type)
      }
    });
    this._sight = new Sight(_host, this._fit);
    const priceFormat = { type: 'price', precision: this._decimals, minMove: 10 ** -this._decimals } as const;
    const quiet = { lastValueVisible: false, priceLineVisible: false };
    if (drawn.open) {
      this._candles = this._chart.addSeries(CandlestickSeries, { priceFormat, ...quiet });
    } else {
      this._line = this._chart.addSeries(LineSeries, { lineWidth: 2, priceFormat, ...quiet });
    }
    if (drawn.volume) {
      this._volume = this._chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' }, ...quiet }, 1);
      const [price, volume] = this._chart.panes();
      price?.setStretchFactor(3);
      volume?.setStretchFactor(1);
    }
    if (_places.length > 0) {
      this._marks = createSeriesMarkers(this._series as ISeriesApi<'Candlestick' | 'Line', Time>, []);
    }
    this._fill();
    this.recolor();
    this._sight.showWhole();
    // What moves below a pointer that rests is nobody's to read: what was gone to is.
    this._chart.subscribeCrosshairMove(({ logical, sourceEvent }) => {
      if (sourceEvent || logical === undefined) {
        this._say(logical ?? null);
      }
    });
    this._chart.subscribeDblClick(() => this._showAll());
    this._chart.timeScale().subscribeVisibleLogicalRangeChange(this._look);
    _host.addEventListener('keydown', this._onKey);
    _host.addEventListener('pointerdown', this._onDown, true);
    POINTED.forEach(type => _host.addEventListener(type, this._onPointed, true));
    _host.addEventListener('wheel', this._leave, { capture: true, passive: true });
    for (const type of ['pointerup', 'pointercancel'] as const) {
      window.addEventListener(type, this._onUp, true);
    }
    this._say(null);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._host.removeEventListener('keydown', this._onKey);
      this._host.removeEventListener('pointerdown', this._onDown, true);
      POINTED.forEach(type => this._host.removeEventListener(type, this._onPointed, true));
      this._host.removeEventListener('wheel', this._leave, true);
      for (const type of ['pointerup', 'pointercancel'] as const) {
        window.removeEventListener(type, this._onUp, true);
      }
      this._sight.dispose();
      this._chart.remove();
    }
  }

  /** Draw another part of the same series; the rows that are looked at stay where they are. */
  show(drawn: IDrawn): void {
    if (this._isDown) {
      // The chart counts a drag from where it began: what it holds must not change meanwhile.
      this._next = drawn;
      return;
    }
    if (!this._sight.isSettled) {
      this._sight.whenSeen(() => this.show(drawn));
      return;
    }
    this._next = null;
    const scale = this._chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const rows = range && { from: rowAt(this._drawn, range.from), to: rowAt(this._drawn, range.to) };
    const at = this._ahead ?? rowAt(this._drawn, this._at);
    this._ahead = null;
    this._drawn = drawn;
    this._isSetting = true;
    this._fill();
    this._mark();
    if (this._wantsAll) {
      this._sight.showWhole();
    } else if (rows) {
      scale.setVisibleLogicalRange({ from: placeOf(drawn, rows.from), to: placeOf(drawn, rows.to) });
    }
    this._isSetting = false;
    this._wantsAll = false;
    this._say(placeOf(drawn, at));
    if (this._goal === null) {
      this._look();
    } else {
      this._seek();
    }
  }

  /** Show the bar of a time, in seconds since the epoch, and what is around it. */
  goTo(time: number): void {
    this._goal = time;
    this._isPointing = true;
    this._wantsAll = false;
    this._sight.leaveWhole();
    if (this._sight.isSettled) {
      this._seek();
    } else {
      this._sight.whenSeen(() => this._seek());
    }
  }

  /** Take the colours anew after the theme or the setting changed. */
  recolor(): void {
    const palette = readPalette(this._host);
    this._chart.applyOptions(chartTheme(palette));
    this._candles?.applyOptions(candleColors(palette));
    // Paler than the prices above it, and still three to one against the background.
    this._volume?.applyOptions({ color: palette.muted.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.7)') });
    this._line?.applyOptions({ color: palette.strategy });
    this._mark();
  }

  private get _series(): ISeriesApi<'Candlestick', Time> | ISeriesApi<'Line', Time> {
    return (this._candles ?? this._line)!;
  }

  /** As many candles as can be told from one another. */
  private get _most(): number {
    return Math.min(1_300, Math.max(200, Math.round(this._host.clientWidth / 2)));
  }

  private _fill(): void {
    const drawn = this._drawn;
    // Of two rows of one day the second is drawn a little later.
    this._dateOnly = datesOnly(drawn.time.map(Math.floor));
    // Where the series begins, the first label of the axis is moved in from the edge, instead of being cut by it.
    this._chart.applyOptions({ timeScale: { timeVisible: !this._dateOnly, fixLeftEdge: drawn.start === 0 } });
    this._bound();
    this._candles?.setData(bars(drawn));
    this._line?.setData(points(drawn.time, drawn.close));
    this._volume?.setData(points(drawn.time, drawn.volume ?? []));
  }

  /** Show all that is drawn. */
  private readonly _fit = (): void => {
    this._bound();
    const scale = this._chart.timeScale();
    const range = wholeRange(this._drawn, this._host.clientWidth - AXIS_WIDTH, LABEL_WIDTH);
    if (range) {
      scale.setVisibleLogicalRange(range);
    } else {
      scale.fitContent();
    }
  };

  /** Let no more be seen than the whole, and a little beside it. */
  private _bound(): void {
    const scale = this._chart.timeScale();
    const least = leastSpacing(countOf(this._drawn), this._host.clientWidth - AXIS_WIDTH, LABEL_WIDTH);
    if (Math.abs((scale.options().minBarSpacing ?? 0) / least - 1) > 0.01) {
      scale.applyOptions({ minBarSpacing: least });
    }
  }

  private _mark(): void {
    const palette = readPalette(this._host);
    this._marks?.setMarkers(
      marksOn(this._drawn.time, this._places).map(({ at, severity }) => ({
        time: this._drawn.time[at] as Time,
        position: 'aboveBar' as const,
        shape: 'arrowDown' as const,
        size: 1.5,
        color: severity === 'error' ? palette.error : palette.warning
      }))
    );
  }

  /** Ask for another part where the one that is drawn does not do. */
  private readonly _look = (): void => {
    const range = this._chart.timeScale().getVisibleLogicalRange();
    if (this._isSetting || this._wantsAll || range === null || this._isDisposed || !this._sight.isSettled) {
      return;
    }
    this._bound();
    const { total } = this._drawn;
    const seen = { from: rowAt(this._drawn, range.from), to: rowAt(this._drawn, range.to) };
    // A little beside the whole is no reason for larger candles.
    const rows = seen.to - seen.from > total ? { from: 0, to: total } : seen;
    const isFine = suffices(this._drawn, rows, this._most) || rows.from >= total || rows.to <= 0;
    this._want(isFine ? null : partFor(rows, total, this._most));
  };

  private _showAll(): void {
    const { total, time, each, isSample } = this._drawn;
    if (isSample || time.length * each >= total) {
      this._sight.showWhole();
    } else {
      this._wantsAll = true;
      this._want(partFor({ from: 0, to: total }, total, this._most));
    }
  }

  private _say(place: number | null): void {
    const { time, open, high, low, close, volume } = this._drawn;
    const end = time.length - 1;
    const i = Math.max(0, Math.min(end, place === null ? end : Math.round(place)));
    const text = (values: Values | null): string => {
      const value = values?.[i];
      return value === null || value === undefined ? '\u2013' : fixed(value, this._decimals);
    };
    const when = time[i];
    if (when === undefined) {
      this._read('');
      return;
    }
    this._at = i;
    const prices = open ? [`O ${text(open)}`, `H ${text(high)}`, `L ${text(low)}`, `C ${text(close)}`] : [text(close)];
    this._read(
      [isoTime(when, this._dateOnly), ...prices, volume ? `V ${fixed(volume[i] ?? 0, 0)}` : ''].filter(Boolean).join(GAP)
    );
  }

  /** Go on towards the bar that is sought: of a candle of many rows a finer part has it. */
  private _seek(): void {
    if (this._goal === null) {
      return;
    }
    const found = around(this._drawn, this._goal);
    if (found === null) {
      const { total } = this._drawn;
      this._want(partFor({ from: 0, to: total }, total, this._most));
      return;
    }
    const { from, to } = found.rows;
    if (this._drawn.each === 1 || this._drawn.isSample) {
      this._goal = null;
    }
    this._isSetting = true;
    const range = { from: placeOf(this._drawn, from), to: placeOf(this._drawn, to) };
    this._chart.timeScale().setVisibleLogicalRange(range);
    this._isSetting = false;
    this._point(found.at);
    this._look();
  }

  /** Whoever looks elsewhere seeks nothing any more. */
  private readonly _leave = (): void => {
    this._goal = null;
    this._ahead = null;
  };

  /** Tell what stands at a candle, and point at it once the chart is where it was taken to: it draws a frame later. */
  private _point(at: number): void {
    this._say(at);
    requestAnimationFrame(() => {
      const when = this._drawn.time[this._at];
      const price = this._drawn.close[this._at];
      if (!this._isDisposed && when !== undefined && typeof price === 'number') {
        this._chart.setCrosshairPosition(price, when as Time, this._series);
      }
    });
  }

  /** Go to a candle, and take the picture along where it lies beside it. */
  private _go(to: number): void {
    const scale = this._chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    this._say(to);
    // Who goes on past what is drawn is there once it has come.
    const row = rowAt(this._drawn, to);
    this._ahead = to !== this._at && row >= 0 && row < this._drawn.total ? row : null;
    if (range && (this._at < range.from + 1 || this._at > range.to - 1)) {
      const by = this._at < range.from + 1 ? this._at - range.from - 1 : this._at - range.to + 1;
      const jump = by + (Math.sign(by) * (range.to - range.from)) / 4;
      scale.setVisibleLogicalRange({ from: range.from + jump, to: range.to + jump });
    }
    this._point(this._at);
  }

  private readonly _onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    this._leave();
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
        this._go(this._at + (event.key === 'ArrowLeft' ? -pace : pace));
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
        this._showAll();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  /** A pointer that rests, with the chart scrolled below it, does not take the place of the bar that was gone to. */
  private readonly _onPointed = (event: MouseEvent): void => {
    if (this._isPointing && event.movementX === 0 && event.movementY === 0) {
      event.stopPropagation();
    } else {
      this._isPointing = false;
    }
  };

  private readonly _onDown = (): void => {
    this._leave();
    this._isDown = true;
  };

  private readonly _onUp = (): void => {
    this._isDown = false;
    if (this._next) {
      this.show(this._next);
    }
  };

  private readonly _chart: IChartApi;
  private readonly _sight: Sight;
  private readonly _decimals: number;
  private _drawn: IDrawn;
  private _next: IDrawn | null = null;
  private _dateOnly = false;
  private _candles: ISeriesApi<'Candlestick', Time> | null = null;
  private _volume: ISeriesApi<'Histogram', Time> | null = null;
  private _line: ISeriesApi<'Line', Time> | null = null;
  private _marks: ISeriesMarkersPluginApi<Time> | null = null;
  private _at = 0;
  private _isDown = false;
  private _isSetting = false;
  private _wantsAll = false;
  /** The time that is gone to, while its bar is not drawn by itself. */
  private _goal: number | null = null;
  /** The row that was gone to before it was drawn. */
  private _ahead: number | null = null;
  private _isPointing = false;
  private _isDisposed = false;
}

/** Draws each round trip as a dashed line from entry to exit, and the chosen one in full. */

import type {
  IChartApiBase,
  IPrimitivePaneView,
  ISeriesApi,
  ISeriesPrimitive,
  MouseEventParams,
  PrimitiveHoveredItem,
  SeriesAttachedParameter,
  SeriesType,
  Time
} from 'lightweight-charts';

import type { IPalette } from './palette.js';

export interface IPath {
  id: number;
  /** Times on the chart's own axis. */
  from: { time: number; price: number };
  to: { time: number; price: number };
  gain: boolean;
}

interface ISegment {
  path: IPath;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** More lines than this in view are drawn thin and undashed, or they become a blot. */
const CROWDED = 150;
/** How near, in pixels, the pointer counts as being on a line. */
const REACH = 5;

function distance(segment: ISegment, x: number, y: number): number {
  const { x1, y1, x2, y2 } = segment;
  const dx = x2 - x1;
  const dy = y2 - y1;
  const length = dx * dx + dy * dy;
  const t =
    length === 0
      ? 0
      : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length));
  return Math.hypot(x - (x1 + t * dx), y - (y1 + t * dy));
}

export class TradePaths implements ISeriesPrimitive<Time> {
  constructor(paths: IPath[], palette: IPalette) {
    this._paths = paths;
    this._palette = palette;
    this._view = {
      zOrder: () => 'top',
      renderer: () => ({
        draw: target => {
          target.useMediaCoordinateSpace(scope => {
            this._draw(scope.context, scope.mediaSize.width);
          });
        }
      })
    };
  }

  /** The trade that is drawn in full, by the pointer or by the table. */
  set active(id: number | null) {
    if (id !== this._active) {
      this._active = id;
      this._requestUpdate?.();
    }
  }

  set palette(palette: IPalette) {
    this._palette = palette;
    this._requestUpdate?.();
  }

  attached(parameters: SeriesAttachedParameter<Time>): void {
    this._chart = parameters.chart;
    this._series = parameters.series;
    this._requestUpdate = parameters.requestUpdate;
  }

  detached(): void {
    this._chart = null;
    this._series = null;
    this._requestUpdate = null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return [this._view];
  }

  hitTest(x: number, y: number): PrimitiveHoveredItem | null {
    let best: ISegment | null = null;
    let reach = REACH;
    for (const segment of this._segments) {
      const gap = distance(segment, x, y);
      if (gap <= reach) {
        best = segment;
        reach = gap;
      }
    }
    return best === null
      ? null
      : {
          externalId: `trade-${best.path.id}`,
          zOrder: 'top',
          cursorStyle: 'pointer'
        };
  }

  private _draw(context: CanvasRenderingContext2D, width: number): void {
    this._segments = this._visible(width);
    const crowded = this._segments.length > CROWDED;
    context.save();
    context.lineWidth = crowded ? 1 : 1.4;
    context.setLineDash(crowded ? [] : [4, 3]);
    context.globalAlpha = crowded ? 0.5 : 0.9;
    let active: ISegment | null = null;
    for (const segment of this._segments) {
      if (segment.path.id === this._active) {
        active = segment;
        continue;
      }
      this._line(context, segment);
    }
    if (active) {
      context.globalAlpha = 1;
      context.setLineDash([]);
      context.lineWidth = 2.5;
      this._line(context, active);
      for (const [x, y] of [
        [active.x1, active.y1],
        [active.x2, active.y2]
      ] as const) {
        context.beginPath();
        context.arc(x, y, 4, 0, 2 * Math.PI);
        context.fillStyle = this._palette.background;
        context.fill();
        context.lineWidth = 2;
        context.stroke();
      }
    }
    context.restore();
  }

  private _line(context: CanvasRenderingContext2D, segment: ISegment): void {
    context.strokeStyle = segment.path.gain
      ? this._palette.up
      : this._palette.down;
    context.beginPath();
    context.moveTo(segment.x1, segment.y1);
    context.lineTo(segment.x2, segment.y2);
    context.stroke();
  }

  private _visible(width: number): ISegment[] {
    const chart = this._chart;
    const series = this._series;
    if (!chart || !series) {
      return [];
    }
    const scale = chart.timeScale();
    const segments: ISegment[] = [];
    for (const path of this._paths) {
      const x1 = scale.timeToCoordinate(path.from.time as Time);
      const x2 = scale.timeToCoordinate(path.to.time as Time);
      if (x1 === null || x2 === null || x2 < 0 || x1 > width) {
        continue;
      }
      const y1 = series.priceToCoordinate(path.from.price);
      const y2 = series.priceToCoordinate(path.to.price);
      if (y1 !== null && y2 !== null) {
        segments.push({ path, x1, y1, x2, y2 });
      }
    }
    return segments;
  }

  private _paths: IPath[];
  private _palette: IPalette;
  private _view: IPrimitivePaneView;
  private _segments: ISegment[] = [];
  private _active: number | null = null;
  private _chart: IChartApiBase<Time> | null = null;
  private _series: ISeriesApi<SeriesType, Time> | null = null;
  private _requestUpdate: (() => void) | null = null;
}

/** The trade whose line or mark the pointer is on. */
export function tradeUnder(event: MouseEventParams<Time>): number | null {
  const id = event.hoveredInfo?.objectId;
  return typeof id === 'string' && id.startsWith('trade-')
    ? Number(id.slice('trade-'.length))
    : null;
}

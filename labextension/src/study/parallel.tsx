/** Trials as lines over their parameters and metrics; a stretch dragged along an axis chooses those within. */

import React from 'react';
import type { TranslationBundle } from '@jupyterlab/translation';

import { pointerAt, prepare, useWidth } from './canvas.js';
import { IScaleRange, SHADES, shadeOf } from './colorScale.js';
import { Range, axisKey } from './selection.js';
import type { ITheme } from './theme.js';
import { IAxis, stepsOf } from './trialsModel.js';
import { formatValue } from '../result/format.js';

interface IProps {
  axes: IAxis[];
  /** The metric that colours the lines. */
  color: IAxis;
  range: IScaleRange;
  shades: string[];
  theme: ITheme;
  chosen: ReadonlySet<number>;
  brushes: ReadonlyMap<string, Range>;
  best: number;
  height: number;
  label: string;
  trans: TranslationBundle;
  onBrush: (axis: IAxis, range: Range | null) => void;
}

/** Room for the values at the ends of an axis. */
const TOP = 20;
const BOTTOM = 20;
const LEFT = 26;
const RIGHT = 44;
/** Axes nearer than this are scrolled to. */
const LEAST_GAP = 84;
/** Pixels of movement that make a click a stretch. */
const MOVED = 4;
/** An axis with no more values than this shows each. */
const MOST_TICKS = 8;

interface ITick {
  place: number;
  text: string;
  /** Where it stands: beside its place, or beyond the end of the axis, where no line crosses it. */
  at: 'beside' | 'above' | 'below';
}

interface IPlacedAxis {
  axis: IAxis;
  x: number;
  ticks: ITick[];
}

function ticksOf(axis: IAxis): ITick[] {
  if (!Number.isFinite(axis.low)) {
    return [];
  }
  if (!axis.metric) {
    const distinct = [...new Set(axis.places)].filter(Number.isFinite).sort((a, b) => a - b);
    if (distinct.length <= MOST_TICKS) {
      const labels = stepsOf(axis).ticks;
      return distinct.map((place, i) => ({ place, text: labels[i]!, at: 'beside' }));
    }
  }
  const text = (place: number): string =>
    axis.words
      ? axis.words[Math.round(place)]!
      : formatValue(place, axis.column.format);
  return axis.low === axis.high
    ? [{ place: axis.low, text: text(axis.low), at: 'beside' }]
    : [
        { place: axis.low, text: text(axis.low), at: 'below' },
        { place: axis.high, text: text(axis.high), at: 'above' }
      ];
}

/** Pixels from the top for a place on an axis. */
function heightOf(axis: IAxis, place: number, height: number): number {
  const span = axis.high - axis.low;
  const part = span > 0 ? (place - axis.low) / span : 0.5;
  return height - BOTTOM - part * (height - TOP - BOTTOM);
}

function placeAt(axis: IAxis, y: number, height: number): number {
  const part = (height - BOTTOM - y) / (height - TOP - BOTTOM);
  return axis.low + Math.max(0, Math.min(1, part)) * (axis.high - axis.low);
}

/** Draw trials in one stroke: ten thousand lines take one frame. A line has a gap at an undefined value. */
function drawLines(
  context: CanvasRenderingContext2D,
  placed: IPlacedAxis[],
  trials: Iterable<number>,
  color: string,
  height: number
): void {
  context.strokeStyle = color;
  context.beginPath();
  for (const trial of trials) {
    let pen = false;
    for (const { axis, x } of placed) {
      const place = axis.places[trial]!;
      if (!Number.isFinite(place)) {
        pen = false;
        continue;
      }
      const y = heightOf(axis, place, height);
      if (pen) {
        context.lineTo(x, y);
      } else {
        context.moveTo(x, y);
        pen = true;
      }
    }
  }
  context.stroke();
}

/** Draw trials in their colours, one stroke a shade, the undefined ones first. */
function drawShaded(
  context: CanvasRenderingContext2D,
  placed: IPlacedAxis[],
  trials: Iterable<number>,
  props: IProps
): void {
  const { color, range, shades, theme, height } = props;
  const byShade: number[][] = Array.from({ length: SHADES + 1 }, () => []);
  for (const trial of trials) {
    byShade[shadeOf(color.places[trial]!, range) + 1]!.push(trial);
  }
  byShade.forEach((members, index) => {
    if (members.length > 0) {
      const muted = String(theme.tokens['@muted'] ?? '#777');
      drawLines(context, placed, members, shades[index - 1] ?? muted, height);
    }
  });
}

function drawAxes(
  context: CanvasRenderingContext2D,
  placed: IPlacedAxis[],
  props: IProps,
  pending: { axis: IAxis; range: Range } | null
): void {
  const { theme, height, brushes } = props;
  const ink = String(theme.tokens['@ink'] ?? '#000');
  const blue = String(theme.tokens['@series1'] ?? ink);
  context.font = `11px ${theme.font}`;
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  for (const { axis, x, ticks } of placed) {
    context.strokeStyle = String(theme.tokens['@muted'] ?? ink);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, TOP);
    context.lineTo(x, height - BOTTOM);
    context.stroke();
    const range =
      pending?.axis === axis ? pending.range : brushes.get(axisKey(axis));
    if (range) {
      const top = heightOf(axis, range[1], height);
      const bottom = heightOf(axis, range[0], height);
      context.fillStyle = blue;
      context.globalAlpha = 0.3;
      context.fillRect(x - 7, top, 14, Math.max(2, bottom - top));
      context.globalAlpha = 1;
      context.strokeStyle = blue;
      context.strokeRect(x - 7, top, 14, Math.max(2, bottom - top));
    }
    for (const { place, text, at } of ticks) {
      const end = at === 'above' ? -10 : at === 'below' ? 11 : 0;
      const y = heightOf(axis, place, height) + end;
      const beside = end === 0 ? 5 : 0;
      context.textAlign = beside ? 'left' : 'center';
      context.lineWidth = 3;
      context.strokeStyle = theme.background;
      context.strokeText(text, x + beside, y);
      context.fillStyle = ink;
      context.fillText(text, x + beside, y);
    }
  }
}

function everyTrial(count: number): number[] {
  return Array.from({ length: count }, (_, trial) => trial);
}

export function ParallelCoordinates(props: IProps): JSX.Element {
  const { axes, height, chosen, theme, best } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const below = React.useRef<HTMLCanvasElement>(null);
  const above = React.useRef<HTMLCanvasElement>(null);
  const space = useWidth(host);
  const [pending, setPending] = React.useState<{
    axis: IAxis;
    from: number;
    range: Range;
    moved: boolean;
  } | null>(null);
  const frame = React.useRef(0);

  const gap = Math.max(
    LEAST_GAP,
    (space - LEFT - RIGHT) / Math.max(1, axes.length - 1)
  );
  const width =
    space === 0 ? 0 : Math.max(space, LEFT + RIGHT + gap * (axes.length - 1));
  const placed = React.useMemo(
    () => axes.map((axis, i) => ({ axis, x: LEFT + i * gap, ticks: ticksOf(axis) })),
    [axes, gap]
  );
  const count = axes[0]?.places.length ?? 0;
  const all = React.useMemo(() => everyTrial(count), [count]);
  const some = chosen.size > 0;

  // All trials: drawn anew when the selection begins or ends, not while it changes.
  React.useLayoutEffect(() => {
    const context = width > 0 ? prepare(below.current, width, height) : null;
    if (context) {
      context.lineWidth = 1;
      if (some) {
        context.globalAlpha = 1;
        drawLines(context, placed, all, String(theme.tokens['@muted'] ?? '#777'), height);
      } else {
        context.globalAlpha = count > 2000 ? 0.35 : 0.6;
        drawShaded(context, placed, all, props);
      }
    }
  }, [placed, width, height, theme, props.shades, props.range, props.color, some]);

  React.useLayoutEffect(() => {
    const context = width > 0 ? prepare(above.current, width, height) : null;
    if (!context) {
      return;
    }
    const ink = String(theme.tokens['@ink'] ?? '#000');
    context.lineWidth = chosen.size > 200 ? 1 : 1.5;
    context.globalAlpha = chosen.size > 2000 ? 0.5 : 0.9;
    drawShaded(context, placed, chosen, props);
    context.globalAlpha = 1;
    if (best >= 0) {
      context.lineWidth = 2.5;
      context.setLineDash([6, 3]);
      drawLines(context, placed, [best], ink, height);
      context.setLineDash([]);
    }
    drawAxes(context, placed, props, pending);
  }, [placed, width, height, theme, props.shades, props.range, props.color, chosen, props.brushes, best, pending]);

  const brush = (axis: IAxis, range: Range | null): void => {
    // One step of the selection a frame, however fast the pointer moves.
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => props.onBrush(axis, range));
  };

  return (
    <div ref={host} className="alphintra-Parallel">
      <div style={{ width: width || '100%' }}>
        <div className="alphintra-Parallel-names" aria-hidden="true">
          {placed.map(({ axis, x }, i) => (
            <span
              key={axisKey(axis)}
              title={axis.column.definition || axis.column.label}
              className={axis.metric ? 'alphintra-mod-metric' : ''}
              style={
                i === 0
                  ? { left: 0, minWidth: 2 * LEFT, maxWidth: gap / 2 + LEFT - 4 }
                  : i === placed.length - 1
                    ? { right: 0, minWidth: 2 * RIGHT, maxWidth: gap / 2 + RIGHT - 4 }
                    : { left: x, maxWidth: gap - 8, transform: 'translateX(-50%)' }
              }
            >
              {axis.column.label}
            </span>
          ))}
        </div>
        <div className="alphintra-Parallel-canvas" style={{ height, width: width || '100%' }}>
          <canvas
            ref={below}
            aria-hidden="true"
            className={some ? 'alphintra-mod-behind' : ''}
            style={{ width: width || '100%', height }}
          />
          <canvas
            ref={above}
            role="img"
            aria-label={props.label}
            style={{ width: width || '100%', height }}
            onPointerDown={event => {
              const { x, y } = pointerAt(event);
              const nearest = placed.reduce<IPlacedAxis | null>(
                (found, item) =>
                  !found || Math.abs(item.x - x) < Math.abs(found.x - x) ? item : found,
                null
              );
              if (event.button === 0 && nearest && Math.abs(nearest.x - x) < 24) {
                event.currentTarget.setPointerCapture(event.pointerId);
                const place = placeAt(nearest.axis, y, height);
                setPending({ axis: nearest.axis, from: y, range: [place, place], moved: false });
              }
            }}
            onPointerMove={event => {
              const { x, y } = pointerAt(event);
              if (!pending) {
                const near = placed.some(item => Math.abs(item.x - x) < 24);
                event.currentTarget.style.cursor = near ? 'ns-resize' : 'default';
                return;
              }
              const ends = [
                placeAt(pending.axis, pending.from, height),
                placeAt(pending.axis, y, height)
              ];
              const range: Range = [Math.min(...ends), Math.max(...ends)];
              const moved = pending.moved || Math.abs(y - pending.from) >= MOVED;
              setPending({ ...pending, range, moved });
              if (moved) {
                brush(pending.axis, range);
              }
            }}
            onPointerCancel={() => setPending(null)}
            onPointerUp={() => {
              if (pending) {
                setPending(null);
                brush(pending.axis, pending.moved ? pending.range : null);
              }
            }}
          />
        </div>
      </div>
    </div>
  );
}

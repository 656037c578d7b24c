/** A metric over two parameters: cells are chosen by click, by dragging over them, or by keyboard. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { fitted, pointerAt, prepare, useWidth } from './canvas.js';
import { IScaleRange, SHADES, shadeOf } from './colorScale.js';
import type { ITheme } from './theme.js';
import type { IHeatCell, IPivot } from './trialsModel.js';

interface IProps {
  pivot: IPivot;
  range: IScaleRange;
  shades: string[];
  theme: ITheme;
  chosen: ReadonlySet<number>;
  /** Row of the best trial. */
  best: number;
  height: number;
  label: string;
  trans: TranslationBundle;
  /** Text of a cell's value. */
  text: (cell: IHeatCell) => string;
  onHover: (cell: IHeatCell | null) => void;
  onSelect: (cells: IHeatCell[], add: boolean) => void;
  onClear: () => void;
}

interface IPlace {
  column: number;
  row: number;
}

const FONT = 11;
const BOTTOM = 36;
const TOP = 4;
const RIGHT = 6;
/** Axis labels to the left take no more than this. */
const LEFT_MOST = 96;
/** A cell smaller than this has no text in it. */
const READABLE = { width: 40, height: 18 };

interface ILayout {
  left: number;
  top: number;
  cellWidth: number;
  cellHeight: number;
  columns: number;
  rows: number;
}

/** Every how many steps a label stands, so that labels do not touch. */
function stride(count: number, space: number, size: number): number {
  return Math.max(1, Math.ceil((count * size) / Math.max(space, 1)));
}

function layoutOf(
  context: CanvasRenderingContext2D,
  pivot: IPivot,
  width: number,
  height: number
): ILayout {
  const rows = pivot.y?.ticks.length ?? 1;
  const columns = pivot.x.ticks.length;
  const widest = Math.max(
    0,
    ...(pivot.y?.ticks ?? []).map(tick => context.measureText(tick).width)
  );
  // The name of the parameter stands upright beside its values.
  const left = pivot.y ? Math.min(LEFT_MOST, widest + 26) : 4;
  return {
    left,
    top: TOP,
    cellWidth: (width - left - RIGHT) / columns,
    cellHeight: (height - TOP - BOTTOM) / rows,
    columns,
    rows
  };
}

/** Dark or light ink, whichever reads on the colour. */
function inkOn(color: string): string {
  const [r, g, b] = (color.match(/[\d.]+/g) ?? ['0', '0', '0']).map(Number);
  return r! * 0.299 + g! * 0.587 + b! * 0.114 > 140 ? '#16191d' : '#ffffff';
}

function drawAxes(
  context: CanvasRenderingContext2D,
  pivot: IPivot,
  layout: ILayout,
  ink: string,
  muted: string
): void {
  const { left, top, cellWidth, cellHeight, columns, rows } = layout;
  const bottom = top + cellHeight * rows;

  context.fillStyle = muted;
  context.textBaseline = 'top';
  context.textAlign = 'center';
  const xs = pivot.x.ticks;
  const widest = Math.max(...xs.map(tick => context.measureText(tick).width));
  const every = stride(columns, cellWidth * columns, widest + 10);
  for (let column = 0; column < columns; column += every) {
    context.fillText(xs[column]!, left + (column + 0.5) * cellWidth, bottom + 5);
  }
  context.fillStyle = ink;
  context.fillText(
    fitted(context, pivot.x.axis.column.label, cellWidth * columns),
    left + (cellWidth * columns) / 2,
    bottom + 20
  );
  if (!pivot.y) {
    return;
  }
  const ys = pivot.y.ticks;
  context.fillStyle = muted;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  const step = stride(rows, cellHeight * rows, FONT + 4);
  for (let row = 0; row < rows; row += step) {
    context.fillText(
      fitted(context, ys[row]!, left - 24),
      left - 6,
      bottom - (row + 0.5) * cellHeight
    );
  }
  context.save();
  context.translate(8, top + (cellHeight * rows) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillStyle = ink;
  context.fillText(
    fitted(context, pivot.y.axis.column.label, cellHeight * rows),
    0,
    0
  );
  context.restore();
}

/** A line around what is chosen: along each side whose neighbour is not. */
function outline(
  context: CanvasRenderingContext2D,
  pivot: IPivot,
  isChosen: (cell: IHeatCell) => boolean,
  box: (place: IPlace) => [number, number],
  width: number,
  height: number
): void {
  const free = (column: number, row: number): boolean => {
    const inside =
      column >= 0 &&
      row >= 0 &&
      column < pivot.x.ticks.length &&
      row < (pivot.y?.ticks.length ?? 1);
    const next = inside ? pivot.at(column, row) : null;
    return !next || !isChosen(next);
  };
  context.lineWidth = 2;
  context.beginPath();
  for (const cell of pivot.cells) {
    if (!isChosen(cell)) {
      continue;
    }
    const { column, row } = cell;
    const [left, top] = box(cell);
    const right = left + width;
    const bottom = top + height;
    for (const [side, x1, y1, x2, y2] of [
      [free(column - 1, row), left, top, left, bottom],
      [free(column + 1, row), right, top, right, bottom],
      [free(column, row + 1), left, top, right, top],
      [free(column, row - 1), left, bottom, right, bottom]
    ] as const) {
      if (side) {
        context.moveTo(x1, y1);
        context.lineTo(x2, y2);
      }
    }
  }
  context.stroke();
}

function draw(
  context: CanvasRenderingContext2D,
  props: IProps,
  layout: ILayout,
  cursor: IPlace | null,
  rubber: { from: IPlace; to: IPlace } | null
): void {
  const { pivot, range, shades, theme, chosen, best } = props;
  const { left, top, cellWidth, cellHeight, rows } = layout;
  const ink = String(theme.tokens['@ink'] ?? '#000');
  const muted = String(theme.tokens['@muted'] ?? '#777');
  const bottom = top + cellHeight * rows;
  const box = (place: IPlace): [number, number] => [
    left + place.column * cellWidth,
    bottom - (place.row + 1) * cellHeight
  ];
  const gap = Math.min(cellWidth, cellHeight) > 6 ? 1 : 0;
  context.font = `${FONT}px ${theme.font}`;
  drawAxes(context, pivot, layout, ink, muted);
  const written =
    cellWidth >= READABLE.width && cellHeight >= READABLE.height;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const isChosen = (cell: IHeatCell): boolean =>
    chosen.size > 0 && cell.trials.some(trial => chosen.has(trial));
  for (const cell of pivot.cells) {
    const [x, y] = box(cell);
    const shade = shadeOf(cell.value, range);
    context.globalAlpha = chosen.size === 0 || isChosen(cell) ? 1 : 0.28;
    if (shade < 0) {
      // Undefined: no colour, but a place that a trial has.
      context.strokeStyle = muted;
      context.lineWidth = 1;
      context.strokeRect(x + 1, y + 1, cellWidth - 2, cellHeight - 2);
    } else {
      context.fillStyle = shades[shade]!;
      context.fillRect(x, y, cellWidth - gap, cellHeight - gap);
    }
    if (written) {
      context.fillStyle = shade < 0 ? muted : inkOn(shades[shade]!);
      const text = `${cell.trials.includes(best) ? '\u2605 ' : ''}${props.text(cell)}`;
      context.fillText(fitted(context, text, cellWidth - 4), x + cellWidth / 2, y + cellHeight / 2);
    }
  }
  context.globalAlpha = 1;
  context.strokeStyle = ink;
  if (chosen.size > 0) {
    outline(context, pivot, isChosen, box, cellWidth, cellHeight);
  }
  for (const cell of pivot.cells) {
    const [x, y] = box(cell);
    if (!written && best >= 0 && cell.trials.includes(best)) {
      // A star over the cell, with a rim so that it reads on any shade.
      const size = Math.max(13, Math.min(18, cellHeight));
      context.font = `${size}px ${theme.font}`;
      context.lineWidth = 3;
      context.strokeStyle = theme.background;
      context.strokeText('\u2605', x + cellWidth / 2, y + cellHeight / 2);
      context.fillStyle = ink;
      context.fillText('\u2605', x + cellWidth / 2, y + cellHeight / 2);
      context.font = `${FONT}px ${theme.font}`;
      context.strokeStyle = ink;
    }
  }
  if (cursor) {
    const [x, y] = box(cursor);
    context.lineWidth = 2;
    context.strokeStyle = ink;
    context.setLineDash([3, 2]);
    context.strokeRect(x, y, cellWidth - gap, cellHeight - gap);
    context.setLineDash([]);
  }
  if (rubber) {
    const [x1, y2] = box({
      column: Math.min(rubber.from.column, rubber.to.column),
      row: Math.min(rubber.from.row, rubber.to.row)
    });
    const [x2, y1] = box({
      column: Math.max(rubber.from.column, rubber.to.column),
      row: Math.max(rubber.from.row, rubber.to.row)
    });
    context.lineWidth = 2;
    context.strokeStyle = String(theme.tokens['@series1'] ?? ink);
    context.strokeRect(x1, y1, x2 - x1 + cellWidth, y2 - y1 + cellHeight);
  }
}

export function HeatMap(props: IProps): JSX.Element {
  const { pivot, height, onHover } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const layout = React.useRef<ILayout | null>(null);
  const width = useWidth(host);
  const [hovered, setHovered] = React.useState<IPlace | null>(null);
  const [rubber, setRubber] = React.useState<{
    from: IPlace;
    to: IPlace;
  } | null>(null);
  const focus = React.useRef<IPlace>({ column: 0, row: 0 });

  React.useLayoutEffect(() => {
    const context = width > 0 ? prepare(canvas.current, width, height) : null;
    if (context) {
      context.font = `${FONT}px ${props.theme.font}`;
      layout.current = layoutOf(context, pivot, width, height);
      draw(context, props, layout.current, hovered, rubber);
    }
  });
  React.useEffect(() => setHovered(null), [pivot]);

  const placeAt = (
    event: React.PointerEvent<HTMLCanvasElement>,
    clamp: boolean
  ): IPlace | null => {
    const shape = layout.current;
    if (!shape) {
      return null;
    }
    const { x, y } = pointerAt(event);
    const column = Math.floor((x - shape.left) / shape.cellWidth);
    const row = Math.floor(
      (shape.top + shape.cellHeight * shape.rows - y) / shape.cellHeight
    );
    const inside =
      column >= 0 && column < shape.columns && row >= 0 && row < shape.rows;
    if (!inside && !clamp) {
      return null;
    }
    return {
      column: Math.max(0, Math.min(shape.columns - 1, column)),
      row: Math.max(0, Math.min(shape.rows - 1, row))
    };
  };
  const show = (place: IPlace | null): void => {
    setHovered(place);
    onHover(place ? pivot.at(place.column, place.row) : null);
  };
  const cellsWithin = (from: IPlace, to: IPlace): IHeatCell[] =>
    pivot.cells.filter(
      cell =>
        cell.column >= Math.min(from.column, to.column) &&
        cell.column <= Math.max(from.column, to.column) &&
        cell.row >= Math.min(from.row, to.row) &&
        cell.row <= Math.max(from.row, to.row)
    );

  const onKey = (event: React.KeyboardEvent): void => {
    const shape = layout.current;
    const steps: Record<string, [number, number]> = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1]
    };
    const step = steps[event.key];
    if (step && shape) {
      event.preventDefault();
      focus.current = {
        column: Math.max(0, Math.min(shape.columns - 1, focus.current.column + step[0])),
        row: Math.max(0, Math.min(shape.rows - 1, focus.current.row + step[1]))
      };
      show(focus.current);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const cell = pivot.at(focus.current.column, focus.current.row);
      if (cell) {
        props.onSelect([cell], true);
      }
    } else if (event.key === 'Escape') {
      props.onClear();
    }
  };

  return (
    <div ref={host} className="alphintra-HeatMap" style={{ height }}>
      <canvas
        ref={canvas}
        style={{ width: width || '100%', height }}
        role="application"
        aria-roledescription={props.trans.__('heat map')}
        aria-label={props.label}
        tabIndex={0}
        data-lm-suppress-shortcuts="true"
        onKeyDown={onKey}
        onBlur={() => show(null)}
        onPointerDown={event => {
          const place = event.button === 0 ? placeAt(event, false) : null;
          if (place) {
            event.currentTarget.setPointerCapture(event.pointerId);
            setRubber({ from: place, to: place });
          }
        }}
        onPointerMove={event => {
          const place = placeAt(event, rubber !== null);
          if (rubber && place) {
            setRubber({ from: rubber.from, to: place });
          }
          if (place?.column !== hovered?.column || place?.row !== hovered?.row) {
            show(place);
          }
        }}
        onPointerLeave={() => show(null)}
        onPointerCancel={() => setRubber(null)}
        onPointerUp={event => {
          if (rubber) {
            const cells = cellsWithin(rubber.from, rubber.to);
            focus.current = rubber.to;
            setRubber(null);
            if (cells.length > 0) {
              props.onSelect(
                cells,
                event.shiftKey || event.ctrlKey || event.metaKey
              );
            }
          }
        }}
      />
    </div>
  );
}

/** The scale below the map: what its colours stand for. */
export function ScaleBar(props: {
  shades: string[];
  low: string;
  high: string;
}): JSX.Element {
  const stops = [0, 6, 12, 18, SHADES - 1].map(at => props.shades[at]).join(', ');
  return (
    <span className="alphintra-ScaleBar">
      {props.low}
      <i aria-hidden="true" style={{ background: `linear-gradient(to right, ${stops})` }} />
      {props.high}
    </span>
  );
}

/** How a heat map of trials is laid out and drawn on its canvas. */

import { fitted } from './canvas.js';
import { IScaleRange, shadeOf } from './colorScale.js';
import type { ITheme } from './theme.js';
import type { IHeatCell, IPivot } from './trialsModel.js';

export interface IPlace {
  column: number;
  row: number;
}

/** What a heat map shows. */
export interface IHeatMapDrawing {
  pivot: IPivot;
  range: IScaleRange;
  shades: string[];
  theme: ITheme;
  chosen: ReadonlySet<number>;
  /** Row of the best trial. */
  best: number;
  /** Text of a cell's value. */
  text: (cell: IHeatCell) => string;
}

export const FONT = 11;
const BOTTOM = 36;
const TOP = 4;
const RIGHT = 6;
/** Axis labels to the left take no more than this. */
const LEFT_MOST = 96;
/** A cell smaller than this has no text in it. */
const READABLE = { width: 40, height: 18 };

export interface ILayout {
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

export function layoutOf(
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

/** Draw cells, what is chosen, the best, and where the pointer is. */
export function draw(
  context: CanvasRenderingContext2D,
  props: IHeatMapDrawing,
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

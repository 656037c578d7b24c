/** Trials as axes, values and a heat map's cells, without a DOM. Trials are named by their row. */

import { literal } from '../pythonLiteral.js';
import { cellText } from '../result/tableModel.js';
import type { Cell, IColumn, ITable } from '../result/payload.js';
import type { ITrialsBlock } from './payload.js';

/** More different numbers than this along an axis are gathered into bins. */
export const MOST_STEPS = 60;
const BINS = 40;

/** A parameter's or a metric's values over the trials. */
export interface IAxis {
  column: IColumn;
  metric: boolean;
  /** Place of each trial, from `low` to `high`; NaN where undefined. */
  places: Float64Array;
  low: number;
  high: number;
  /** What the places mean where they are not the values: words, in the order of the places. */
  words: string[] | null;
}

/** An axis in steps, as a heat map has it. */
export interface ISteps {
  axis: IAxis;
  labels: string[];
  /** What stands at an axis: a bin's lower end. */
  ticks: string[];
  /** Step of each trial. */
  of: Int32Array;
  /** Whether a step holds a range of values. */
  binned: boolean;
}

export interface IHeatCell {
  column: number;
  row: number;
  /** The best trial here by the metric that was optimised. */
  trial: number;
  /** Value of the shown metric of that trial. */
  value: number;
  /** All trials here. */
  trials: number[];
}

export interface IPivot {
  x: ISteps;
  /** Absent where one parameter was varied. */
  y: ISteps | null;
  cells: IHeatCell[];
  /** Column and row to the place in `cells`; -1 where no trial is. */
  at(column: number, row: number): IHeatCell | null;
  low: number;
  high: number;
  /** Whether some cell holds more than one trial. */
  over: boolean;
}

function compareWords(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function axisOf(
  rows: readonly Cell[][],
  at: number,
  column: IColumn,
  metric: boolean
): IAxis {
  const values = rows.map(row => row[at] ?? null);
  const numeric = values.every(
    value => value === null || typeof value === 'number'
  );
  const places = new Float64Array(rows.length).fill(NaN);
  let words: string[] | null = null;
  if (numeric) {
    values.forEach((value, trial) => {
      places[trial] = value === null ? NaN : (value as number);
    });
  } else {
    const read = values.map(value =>
      value === null ? null : cellText(value, column, false)
    );
    words = [...new Set(read.filter(word => word !== null))].sort(compareWords);
    const order = new Map(words.map((word, place) => [word, place]));
    read.forEach((word, trial) => {
      places[trial] = word === null ? NaN : order.get(word)!;
    });
  }
  let low = Infinity;
  let high = -Infinity;
  for (const place of places) {
    if (Number.isFinite(place)) {
      low = Math.min(low, place);
      high = Math.max(high, place);
    }
  }
  return { column, metric, places, low, high, words };
}

/** The trials of a study, read once. */
export class Trials {
  constructor(readonly block: ITrialsBlock) {
    const { parameters, metrics, rows } = block;
    this.parameters = parameters.map((column, i) =>
      axisOf(rows, 1 + i, column, false)
    );
    this.metrics = metrics.map((column, i) =>
      axisOf(rows, 1 + parameters.length + i, column, true)
    );
    this.count = rows.length;
    this.best =
      block.best === null ? -1 : rows.findIndex(row => row[0] === block.best);
    const objective = this.metrics[0];
    // The payload names the best trial, not the direction: where it is the lowest, low is good.
    const chosen = this.best < 0 ? NaN : (objective?.places[this.best] ?? NaN);
    this.lowIsGood =
      objective !== undefined &&
      objective.low < objective.high &&
      chosen === objective.low;
  }

  readonly parameters: IAxis[];
  readonly metrics: IAxis[];
  readonly count: number;
  /** Row of the best trial, -1 where there is none. */
  readonly best: number;
  readonly lowIsGood: boolean;

  /** Parameters that take more than one value. */
  get varied(): IAxis[] {
    return this.parameters.filter(
      axis => axis.low < axis.high || axis.places.some(Number.isNaN)
    );
  }

  number(trial: number): number {
    return Number(this.block.rows[trial]?.[0]);
  }

  /** A value as it is read in the table. */
  text(trial: number, axis: IAxis): string {
    const { parameters, metrics, rows } = this.block;
    const at = axis.metric
      ? 1 + parameters.length + metrics.indexOf(axis.column)
      : 1 + parameters.indexOf(axis.column);
    return cellText(rows[trial]?.[at], axis.column, false);
  }

  /** Whether trial `a` is better than `b` by the metric that was optimised; a tie goes to the earlier one. */
  better(a: number, b: number): boolean {
    const places = this.metrics[0]?.places;
    const left = places?.[a] ?? NaN;
    const right = places?.[b] ?? NaN;
    if (Number.isNaN(left) || Number.isNaN(right)) {
      return Number.isNaN(left) === Number.isNaN(right) ? a < b : Number.isNaN(right);
    }
    if (left !== right) {
      return this.lowIsGood ? left < right : left > right;
    }
    // The study's own choice among equals stands.
    return a === this.best || (b !== this.best && a < b);
  }
}

/** The steps of an axis: its values, or bins where they are too many. Undefined values are the last step. */
export function stepsOf(axis: IAxis): ISteps {
  const { places, words, column } = axis;
  const distinct = [...new Set(places)]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const binned = words === null && distinct.length > MOST_STEPS;
  const text = (value: number): string => cellText(value, column, false);
  const of = new Int32Array(places.length);
  let labels: string[];
  let ticks: string[];
  if (binned) {
    const width = (axis.high - axis.low) / BINS;
    const ends = Array.from({ length: BINS + 1 }, (_, bin) =>
      text(axis.low + bin * width)
    );
    ticks = ends.slice(0, BINS);
    labels = ticks.map((end, bin) => `${end}\u2009\u2026\u2009${ends[bin + 1]}`);
    places.forEach((place, trial) => {
      of[trial] = Math.min(BINS - 1, Math.floor((place - axis.low) / width));
    });
  } else {
    labels = distinct.map(place => (words ? words[place]! : text(place)));
    ticks = [...labels];
    const order = new Map(distinct.map((place, step) => [place, step]));
    places.forEach((place, trial) => {
      of[trial] = order.get(place) ?? 0;
    });
  }
  if (places.some(place => !Number.isFinite(place))) {
    labels.push(text(NaN));
    ticks.push(text(NaN));
    places.forEach((place, trial) => {
      if (!Number.isFinite(place)) {
        of[trial] = labels.length - 1;
      }
    });
  }
  return { axis, labels, ticks, of, binned };
}

/** A metric over two parameters; where several trials fall together, the best of them stands for all. */
export function pivot(
  trials: Trials,
  x: IAxis,
  y: IAxis | null,
  metric: IAxis
): IPivot {
  const across = stepsOf(x);
  const up = y ? stepsOf(y) : null;
  const width = across.labels.length;
  const index = new Int32Array(width * (up?.labels.length ?? 1)).fill(-1);
  const cells: IHeatCell[] = [];
  for (let trial = 0; trial < trials.count; trial += 1) {
    const column = across.of[trial]!;
    const row = up ? up.of[trial]! : 0;
    const at = row * width + column;
    const held = cells[index[at]!];
    if (!held) {
      index[at] = cells.length;
      cells.push({ column, row, trial, value: NaN, trials: [trial] });
      continue;
    }
    held.trials.push(trial);
    if (trials.better(trial, held.trial)) {
      held.trial = trial;
    }
  }
  let low = Infinity;
  let high = -Infinity;
  for (const cell of cells) {
    cell.value = metric.places[cell.trial]!;
    if (Number.isFinite(cell.value)) {
      low = Math.min(low, cell.value);
      high = Math.max(high, cell.value);
    }
  }
  return {
    x: across,
    y: up,
    cells,
    at: (column, row) => cells[index[row * width + column] ?? -1] ?? null,
    low,
    high,
    over: cells.some(cell => cell.trials.length > 1)
  };
}

/** The trials as a table. */
export function trialsTable(block: ITrialsBlock, number: string): ITable {
  return {
    columns: [
      { name: 'number', label: number, format: 'integer' },
      ...block.parameters,
      ...block.metrics
    ],
    rows: block.rows,
    total: block.total,
    omitted: null
  };
}

/** A trial's parameters as Python writes them in a call. */
export function callArguments(trials: Trials, trial: number): string {
  const row = trials.block.rows[trial] ?? [];
  return trials.block.parameters
    .map((column, i) => `${column.name}=${literal(row[1 + i] ?? null)}`)
    .join(', ');
}

/** How the history is used: one run, or a method that makes a judgement of many. Checked values, without a DOM. */

import type { IParameter, IStrategyClass } from '../api/types.js';
import type { IComplaint } from './complaints.js';
import {
  MOST_COMBINATIONS,
  MOST_VARIANTS,
  Value,
  Values,
  ValuesProblem,
  combinations,
  isCountable,
  isVaried,
  proposedConstraint,
  proposedValues,
  readValues
} from './grid.js';

export const METHODOLOGIES = [
  'STANDARD',
  'SWEEP',
  'WALK_FORWARD',
  'MONTE_CARLO'
] as const;
export type Methodology = (typeof METHODOLOGIES)[number];

export const SEARCHES = ['grid', 'random', 'optuna'] as const;
export const RESAMPLES = ['returns', 'trades', 'order', 'prices'] as const;

/** Metrics that are offered; the server knows all of them and names the nearest to an unknown one. */
export const METRICS = [
  'sharpe_ratio',
  'sortino_ratio',
  'calmar_ratio',
  'total_return',
  'annualized_return',
  'max_drawdown',
  'volatility',
  'profit_factor',
  'win_rate'
];

/** Paths that Monte Carlo draws unless it is said, and at most. */
export const USUAL_PATHS = { prices: 100, other: 1_000 };
export const MOST_PATHS = { prices: 1_000, other: 20_000 };

/** The texts in a method's fields. */
export interface IMethodFields {
  constraint: string;
  metric: string;
  search: (typeof SEARCHES)[number];
  trials: string;
  train: string;
  test: string;
  step: string;
  purge: string;
  min_trades: string;
  anchored: boolean;
  flatten: boolean;
  resample: (typeof RESAMPLES)[number];
  paths: string;
  seed: string;
}

export type Method = Record<string, unknown>;

/** Whether a method tries several values of the parameters. */
export function hasGrid(methodology: Methodology): boolean {
  return methodology === 'SWEEP' || methodology === 'WALK_FORWARD';
}

/** Fields with which one click runs. */
export function usualMethod(strategy: IStrategyClass): IMethodFields {
  return {
    constraint: proposedConstraint(strategy.parameters),
    metric: 'sharpe_ratio',
    search: 'grid',
    trials: '100',
    train: '2Y',
    test: '6M',
    step: '',
    purge: '0',
    min_trades: '10',
    anchored: false,
    flatten: false,
    resample: 'returns',
    paths: '',
    seed: '0'
  };
}

/** The texts of a grid as it is proposed for a class. */
export function usualGrid(
  strategy: IStrategyClass,
  chosen: Record<string, string>
): Record<string, string> {
  return proposedValues(strategy.parameters, chosen);
}

const PROBLEMS: Record<ValuesProblem, IComplaint['kind']> = {
  empty: 'values',
  number: 'values',
  order: 'order',
  step: 'step'
};

/** Every value against the bounds that the class writes down. */
function beyond(values: Values, parameter: IParameter): Pick<IComplaint, 'kind' | 'limit'> | null {
  const all = Array.isArray(values) ? values : [values.low, values.high];
  const numbers = all.filter((item): item is number => typeof item === 'number');
  const { low, high } = parameter;
  if (typeof low === 'number' && numbers.some(item => item < low)) {
    return { kind: 'low', limit: low };
  }
  return typeof high === 'number' && numbers.some(item => item > high)
    ? { kind: 'high', limit: high }
    : null;
}

/** What a grid's texts come to: the values that vary, those that are fixed, and how many combinations. */
export interface IGrid {
  grid: Record<string, Values>;
  fixed: Record<string, Value>;
  /** Combinations before the constraint, or `null` where the texts do not say. */
  count: number | null;
}

/** Read the texts of a grid; a draw takes ranges without a step too. */
export function readGrid(
  texts: Record<string, string>,
  parameters: Record<string, IParameter>,
  drawn: boolean,
  complaints: IComplaint[]
): IGrid {
  const grid: Record<string, Values> = {};
  const fixed: Record<string, Value> = {};
  let readable = true;
  for (const [name, parameter] of Object.entries(parameters)) {
    const field = `method.grid.${name}`;
    const text = (texts[name] ?? '').trim();
    if (text === '' && (parameter.default === null || parameter.default === '')) {
      continue; // left to the class, which computes its default
    }
    const read = readValues(text, parameter);
    if ('problem' in read) {
      complaints.push({ field, kind: PROBLEMS[read.problem] });
      readable = false;
      continue;
    }
    const outside = beyond(read.values, parameter);
    if (outside) {
      complaints.push({ field, ...outside });
    } else if (!drawn && !isCountable(read.values)) {
      complaints.push({ field, kind: 'needsStep' });
      readable = false;
    }
    if (isVaried(read.values)) {
      grid[name] = read.values;
    } else {
      const only = Array.isArray(read.values) ? read.values[0]! : read.values.low;
      if (only !== parameter.default) {
        fixed[name] = only;
      }
    }
  }
  return { grid, fixed, count: readable ? combinations(grid) : null };
}

/** Whether a text is a length of a window: sessions, or a duration. */
function isLength(text: string): boolean {
  return /^[1-9]\d*\s*[DWMY]?$/i.test(text.trim());
}

function lengthOf(text: string): number | string {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed.toUpperCase();
}

function whole(
  field: string,
  text: string,
  least: number,
  complaints: IComplaint[],
  most = Infinity
): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isInteger(value) || value < least) {
    complaints.push({ field, kind: 'whole', limit: least });
  } else if (value > most) {
    complaints.push({ field, kind: 'high', limit: most });
  }
  return value;
}

/** Read a method's fields into what the server takes; `fixed` are the parameters that do not vary. */
export function readMethod(
  methodology: Methodology,
  fields: IMethodFields,
  gridTexts: Record<string, string>,
  strategy: IStrategyClass,
  complaints: IComplaint[]
): { method: Method | null; fixed: Record<string, Value> | null } {
  if (methodology === 'STANDARD') {
    return { method: null, fixed: null };
  }
  if (methodology === 'MONTE_CARLO') {
    const most = fields.resample === 'prices' ? MOST_PATHS.prices : MOST_PATHS.other;
    return {
      method: {
        resample: fields.resample,
        paths:
          fields.paths.trim() === ''
            ? null
            : whole('method.paths', fields.paths, 2, complaints, most),
        seed: whole('method.seed', fields.seed, 0, complaints)
      },
      fixed: null
    };
  }
  const drawn = methodology === 'SWEEP' && fields.search !== 'grid';
  const before = complaints.length;
  const { grid, fixed, count } = readGrid(gridTexts, strategy.parameters, drawn, complaints);
  const constraint = fields.constraint.trim() || null;
  if (complaints.length === before) {
    const most = constraint === null ? MOST_VARIANTS : MOST_COMBINATIONS;
    if (Object.keys(grid).length === 0) {
      complaints.push({ field: 'method.grid', kind: 'nothingVaried' });
    } else if (!drawn && count !== null && count > most) {
      complaints.push({ field: 'method.grid', kind: 'tooMany', limit: most });
    }
  }
  const shared = { grid, constraint, metric: fields.metric.trim() || 'sharpe_ratio' };
  if (methodology === 'SWEEP') {
    return {
      method: {
        ...shared,
        search: fields.search,
        trials: drawn
          ? whole('method.trials', fields.trials, 1, complaints, MOST_VARIANTS)
          : null,
        seed: whole('method.seed', fields.seed, 0, complaints)
      },
      fixed
    };
  }
  for (const name of ['train', 'test', 'step'] as const) {
    const text = fields[name].trim();
    if (!(name === 'step' && text === '') && !isLength(text)) {
      complaints.push({ field: `method.${name}`, kind: 'length' });
    }
  }
  return {
    method: {
      ...shared,
      train: lengthOf(fields.train),
      test: lengthOf(fields.test),
      step: fields.step.trim() === '' ? null : lengthOf(fields.step),
      anchored: fields.anchored,
      purge: whole('method.purge', fields.purge, 0, complaints),
      min_trades: whole('method.min_trades', fields.min_trades, 0, complaints),
      flatten: fields.flatten
    },
    fixed
  };
}

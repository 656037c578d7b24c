/** What a trader chooses before a backtest from the toolbar: checked values, without a DOM. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IFieldError } from '../api/problem.js';
import type { IDataset } from '../api/datasets.js';
import type { IParameter, IStrategyClass } from '../api/types.js';
import { nameInCode, rightsOf } from '../datasets/words.js';
import { isDay } from '../result/format.js';
import type { ISettingValues } from '../settings/values.js';
import type { IComplaint } from './complaints.js';
import { COMMISSION_TERMS, Cost, SLIPPAGE_TERMS, readCost } from './costs.js';
import type { IOption } from './field.js';
import type { Value } from './grid.js';
import {
  IMethodFields,
  Method,
  Methodology,
  hasGrid,
  readMethod,
  usualGrid,
  usualMethod
} from './method.js';

/** Whose rules fill orders. */
export const PROFILES = [
  'default',
  'backtesting.py',
  'backtrader',
  'lean',
  'vectorbt-close'
];

/** The choice for one run, as the server takes it. */
export interface IChoice {
  className: string;
  dataset: string;
  cash: number;
  commission: Cost;
  slippage: Cost;
  profile: string;
  /** ISO dates; `null` is where the data begins and ends. */
  start: string | null;
  end: string | null;
  benchmark: string | null;
  /** A dataset of splits and dividends that raw prices go through. */
  reference: string | null;
  parameters: Record<string, Value>;
  methodology: Methodology;
  method: Method | null;
}

/** The texts in the fields of the dialog. */
export interface IFields {
  className: string;
  dataset: string;
  cash: string;
  commission: string;
  slippage: string;
  commissionTerms: Record<string, string>;
  slippageTerms: Record<string, string>;
  profile: string;
  start: string;
  end: string;
  benchmark: string;
  reference: string;
  parameters: Record<string, string>;
  methodology: Methodology;
  /** What a grid tries for each parameter; one value is not varied. */
  grid: Record<string, string>;
  method: IMethodFields;
}

/** The fields as the dialog opens: those of the last run of this file, else from the settings. */
export function initialFields(
  classes: readonly IStrategyClass[],
  settings: ISettingValues,
  last: IFields | null
): IFields {
  const chosen =
    classes.find(item => item.name === last?.className) ?? classes[0]!;
  const base: IFields = last ?? {
    className: chosen.name,
    dataset: settings.defaultDataset,
    cash: String(settings.cash),
    commission: String(settings.commission),
    slippage: String(settings.slippage),
    commissionTerms: {},
    slippageTerms: {},
    profile: 'default',
    start: '',
    end: '',
    benchmark: '',
    reference: '',
    parameters: {},
    methodology: 'STANDARD',
    grid: {},
    method: usualMethod(chosen)
  };
  return withClass(base, chosen, last?.className === chosen.name);
}

/** The fields for a class; `keep` takes the texts of parameters that it still has. */
export function withClass(
  fields: IFields,
  strategy: IStrategyClass,
  keep = false
): IFields {
  const parameters = parameterFields(strategy, keep ? fields.parameters : {});
  const proposed = usualGrid(strategy, parameters);
  const grid = keep
    ? Object.fromEntries(
        Object.entries(proposed).map(([name, text]) => [name, fields.grid[name] ?? text])
      )
    : proposed;
  const method = keep
    ? fields.method
    : { ...fields.method, constraint: usualMethod(strategy).constraint };
  return { ...fields, className: strategy.name, parameters, grid, method };
}

/** The parameters of a class as texts: chosen before, else their defaults. */
export function parameterFields(
  strategy: IStrategyClass,
  chosen: Record<string, unknown>
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(strategy.parameters).map(([name, parameter]) => [
      name,
      String(chosen[name] ?? parameter.default ?? '')
    ])
  );
}

function parameterValue(
  name: string,
  text: string,
  parameter: IParameter,
  complaints: IComplaint[]
): Value {
  const field = `parameters.${name}`;
  if (typeof parameter.default === 'boolean') {
    return text === 'true';
  }
  if (typeof parameter.default === 'string') {
    return text;
  }
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    complaints.push({ field, kind: 'number' });
  } else if (typeof parameter.low === 'number' && value < parameter.low) {
    complaints.push({ field, kind: 'low', limit: parameter.low });
  } else if (typeof parameter.high === 'number' && value > parameter.high) {
    complaints.push({ field, kind: 'high', limit: parameter.high });
  }
  return value;
}

/** Read an ISO date; an empty text is none. */
function date(
  field: 'start' | 'end',
  text: string,
  complaints: IComplaint[]
): string | null {
  const trimmed = text.trim();
  if (trimmed === '') {
    return null;
  }
  if (!isDay(trimmed)) {
    complaints.push({ field, kind: 'date' });
    return null;
  }
  return trimmed;
}

/** Read the fields; parameters that are at their default are left to the class. */
export function readFields(
  fields: IFields,
  classes: readonly IStrategyClass[]
): { choice: IChoice; complaints: IComplaint[] } {
  const complaints: IComplaint[] = [];
  const cash = Number(fields.cash);
  if (!(cash > 0) || !Number.isFinite(cash)) {
    complaints.push({ field: 'cash', kind: 'positive' });
  }
  if (fields.dataset.trim() === '') {
    complaints.push({ field: 'dataset', kind: 'missing' });
  }
  const start = date('start', fields.start, complaints);
  const end = date('end', fields.end, complaints);
  // Both are whole days: one day of minutes is a period.
  if (start !== null && end !== null && start > end) {
    complaints.push({ field: 'end', kind: 'after' });
  }
  const strategy = classes.find(item => item.name === fields.className)!;
  const parameters: IChoice['parameters'] = {};
  // With a grid the parameters stand in it.
  for (const [name, parameter] of hasGrid(fields.methodology)
    ? []
    : Object.entries(strategy.parameters)) {
    const text = fields.parameters[name] ?? '';
    if (text === String(parameter.default ?? '')) {
      continue;
    }
    parameters[name] = parameterValue(name, text, parameter, complaints);
  }
  const commission = readCost(
    'commission',
    fields.commission,
    fields.commissionTerms,
    complaints
  );
  const slippage = readCost('slippage', fields.slippage, fields.slippageTerms, complaints);
  const { method, fixed } = readMethod(
    fields.methodology,
    fields.method,
    fields.grid,
    strategy,
    complaints
  );
  return {
    choice: {
      className: fields.className,
      dataset: fields.dataset.trim(),
      cash,
      commission,
      slippage,
      profile: fields.profile,
      start,
      end,
      benchmark: fields.benchmark.trim() || null,
      reference: fields.reference.trim() || null,
      parameters: fixed ?? parameters,
      methodology: fields.methodology,
      method
    },
    complaints
  };
}

/** Our names of the server's fields. */
const RENAMED: Record<string, string> = {
  dataset_id: 'dataset',
  initial_capital: 'cash',
  start_date: 'start',
  end_date: 'end'
};

/** The text of a field by the name that complaints use; of what has no field of its own, nothing. */
export function fieldText(fields: IFields, name: string): string | null {
  const [first = '', ...rest] = name.split('.');
  const within = (texts: object): string | null => {
    const found = (texts as Record<string, unknown>)[rest.join('.')];
    return found === undefined ? null : String(found);
  };
  const term = (terms: readonly string[], texts: Record<string, string>): string | null => {
    const wanted = rest.join('.');
    return terms.includes(wanted) ? (texts[wanted] ?? '') : null;
  };
  switch (first) {
    case 'dataset':
    case 'cash':
    case 'profile':
    case 'start':
    case 'end':
    case 'benchmark':
    case 'reference':
      return fields[first];
    case 'commission':
      return rest.length > 0 ? term(COMMISSION_TERMS, fields.commissionTerms) : fields.commission;
    case 'slippage':
      return rest.length > 0 ? term(SLIPPAGE_TERMS, fields.slippageTerms) : fields.slippage;
    case 'parameters':
      return within(hasGrid(fields.methodology) ? fields.grid : fields.parameters);
    case 'method':
      if (rest[0] === 'grid') {
        return rest.length > 1
          ? (fields.grid[rest.slice(1).join('.')] ?? null)
          : JSON.stringify([fields.grid, fields.method.constraint, fields.method.search]);
      }
      return within(fields.method);
    default:
      return null;
  }
}

/** The server's complaints at the fields that they name, and what is about none of them. */
export function serverComplaints(
  errors: readonly IFieldError[],
  fields: IFields
): { complaints: IComplaint[]; others: string[] } {
  const complaints: IComplaint[] = [];
  const others: string[] = [];
  for (const { field: given, message } of errors) {
    let field = RENAMED[given] ?? given ?? '';
    if (field.startsWith('parameters.') && hasGrid(fields.methodology)) {
      field = field.replace('parameters.', 'method.grid.');
    }
    // A place within a value, such as method.grid.fast.0 or commission.tiers.1, belongs to the whole of it.
    while (fieldText(fields, field) === null && field.includes('.')) {
      field = field.slice(0, field.lastIndexOf('.'));
    }
    if (fieldText(fields, field) === null) {
      others.push(given ? `${given}: ${message}` : message);
    } else {
      complaints.push({ field, kind: 'server', text: message });
    }
  }
  return { complaints, others };
}

/** The complaints that hold after an edit: a field that was put right is no longer complained of. */
export function stillWrong(
  complaints: readonly IComplaint[],
  before: IFields,
  after: IFields,
  classes: readonly IStrategyClass[]
): IComplaint[] {
  const wrong = new Set(
    readFields(after, classes).complaints.map(item => `${item.field} ${item.kind}`)
  );
  return complaints.filter(item =>
    item.kind === 'server'
      ? fieldText(before, item.field) === fieldText(after, item.field)
      : wrong.has(`${item.field} ${item.kind}`)
  );
}

/**
 * What to offer for the dataset: each set that may be run on and can be traded, and its single symbols. What others share
 * is known by its id, with its name and owner as the label.
 */
export function datasetOptions(
  datasets: readonly Pick<IDataset, 'id' | 'name' | 'owner' | 'access' | 'symbols' | 'tradable'>[],
  trans: TranslationBundle
): IOption[] {
  return datasets
    .filter(item => item.tradable !== false && rightsOf(item).use)
    .flatMap(item => {
      const value = nameInCode(item);
      const rests = item.symbols.length > 1 ? ['', ...item.symbols.map(symbol => `/${symbol}`)] : [''];
      return rests.map(rest =>
        value === item.name
          ? { value: value + rest }
          : { value: value + rest, label: trans.__('%1 of %2', item.name + rest, item.owner) }
      );
    });
}

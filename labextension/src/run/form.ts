/** What a trader chooses before a backtest from the toolbar: checked values, without a DOM. */

import type { IDataset, IParameter, IStrategyClass } from '../api/types.js';
import type { ISettingValues } from '../settings/values.js';

/** The choice for one run; kept per file for "again". */
export interface IChoice {
  className: string;
  dataset: string;
  cash: number;
  commission: number;
  slippage: number;
  parameters: Record<string, number | string | boolean>;
}

/** The texts in the fields of the dialog. */
export interface IFields {
  className: string;
  dataset: string;
  cash: string;
  commission: string;
  slippage: string;
  parameters: Record<string, string>;
}

export type FieldErrors = Record<string, string>;

/** The kinds of complaint about a field; the dialog says them in the trader's language. */
export type Complaint =
  | 'missing'
  | 'number'
  | 'positive'
  | 'fraction'
  | 'low'
  | 'high';

export interface IComplaint {
  field: string;
  kind: Complaint;
  limit?: number;
}

/** The fields as the dialog opens: from the last run of this file, else from the settings. */
export function initialFields(
  classes: readonly IStrategyClass[],
  settings: ISettingValues,
  last: IChoice | null
): IFields {
  const chosen =
    classes.find(item => item.name === last?.className) ?? classes[0]!;
  const from = last ?? {
    dataset: settings.defaultDataset,
    cash: settings.cash,
    commission: settings.commission,
    slippage: settings.slippage,
    parameters: {}
  };
  return {
    className: chosen.name,
    dataset: from.dataset,
    cash: String(from.cash),
    commission: String(from.commission),
    slippage: String(from.slippage),
    parameters: parameterFields(
      chosen,
      last?.className === chosen.name ? last.parameters : {}
    )
  };
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
): number | string | boolean {
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

/** Read the fields; parameters that are at their default are left to the class. */
export function readFields(
  fields: IFields,
  classes: readonly IStrategyClass[]
): { choice: IChoice; complaints: IComplaint[] } {
  const complaints: IComplaint[] = [];
  const fraction = (field: 'commission' | 'slippage'): number => {
    const value = Number(fields[field]);
    if (fields[field].trim() === '' || !(value >= 0 && value < 1)) {
      complaints.push({ field, kind: 'fraction' });
    }
    return value;
  };
  const cash = Number(fields.cash);
  if (!(cash > 0) || !Number.isFinite(cash)) {
    complaints.push({ field: 'cash', kind: 'positive' });
  }
  if (fields.dataset.trim() === '') {
    complaints.push({ field: 'dataset', kind: 'missing' });
  }
  const strategy = classes.find(item => item.name === fields.className);
  const parameters: IChoice['parameters'] = {};
  for (const [name, parameter] of Object.entries(strategy?.parameters ?? {})) {
    const text = fields.parameters[name] ?? '';
    if (text === String(parameter.default ?? '')) {
      continue;
    }
    parameters[name] = parameterValue(name, text, parameter, complaints);
  }
  return {
    choice: {
      className: fields.className,
      dataset: fields.dataset.trim(),
      cash,
      commission: fraction('commission'),
      slippage: fraction('slippage'),
      parameters
    },
    complaints
  };
}

/** Names to offer for the dataset: each set that can be traded, and its single symbols. */
export function datasetNames(datasets: readonly IDataset[]): string[] {
  return datasets
    .filter(item => item.tradable !== false)
    .flatMap(item => {
      const symbols = item.symbols ?? [];
      return symbols.length > 1
        ? [item.name, ...symbols.map(symbol => `${item.name}/${symbol}`)]
        : [item.name];
    });
}

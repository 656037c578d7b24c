/** The texts in which checks are edited, and what the server takes of them. */

import type { IBacktest, IChecks, IChecksUpdate } from '../api/types.js';

export interface IChecksFields {
  /** One check a line; empty are those that the class carries. */
  checks: string;
  dataset: string;
  onSave: boolean;
  onDataset: boolean;
  schedule: 'never' | 'daily' | 'weekly';
  /** Time of day, UTC. */
  at: string;
  weekday: string;
}

export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday'
] as const;

/** A start for a strategy without checks. */
const PROPOSED = ['sharpe_ratio >= 0.5', 'max_drawdown > -40 %', 'no look-ahead', 'same fills'];

/** Settings of a run that its checks take over, so that they test what was looked at. */
const KEPT = [
  'parameters',
  'initial_capital',
  'commission',
  'slippage',
  'profile',
  'rules',
  'benchmark',
  'features',
  'reference',
  'seed',
  'risk_free_rate',
  'class_name'
];

export function fieldsOf(checks: IChecks, latest: IBacktest | null): IChecksFields {
  return {
    checks: (checks.checks ?? (checks.configured ? [] : PROPOSED)).join('\n'),
    dataset: checks.configured
      ? checks.dataset_id
      : (latest?.dataset_name?.replace(/@\d+(?=\/|$)/, '') ?? checks.dataset_id), // checks take the current version
    onSave: checks.configured ? checks.on_save : true,
    onDataset: checks.on_dataset,
    schedule: checks.schedule ?? 'never',
    at: checks.at,
    weekday: checks.weekday
  };
}

/** The settings with which the checks run: as they were set, else those of the strategy's latest run. */
export function settingsOf(
  checks: IChecks,
  latest: IBacktest | null
): Record<string, unknown> {
  const from = checks.configured ? checks.settings : (latest ?? {});
  return Object.fromEntries(
    Object.entries(from).filter(
      ([name, value]) => (checks.configured || KEPT.includes(name)) && value !== null
    )
  );
}

export function updateOf(
  fields: IChecksFields,
  settings: Record<string, unknown>
): IChecksUpdate {
  const checks = fields.checks
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  return {
    checks: checks.length > 0 ? checks : null,
    dataset_id: fields.dataset.trim(),
    settings,
    on_save: fields.onSave,
    on_dataset: fields.onDataset,
    schedule: fields.schedule === 'never' ? null : fields.schedule,
    at: fields.at,
    weekday: fields.weekday
  };
}

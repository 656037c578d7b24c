/** Datasets in a trader's words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type {
  DatasetCell,
  DataSource,
  GrantLevel,
  IDataset,
  IMapping,
  IRuleNumber,
  IRuleResult
} from '../api/datasets.js';
import { compact, fixed, formatValue, priceDecimals, quotedDecimals, UNDEFINED } from '../result/format.js';
import { boundText } from '../recipes/words.js';
import type { IMappingComplaint } from './mapping.js';
import type { NumberComplaint } from './ruleChoice.js';

export function sourceText(source: DataSource, trans: TranslationBundle): string {
  return {
    PLATFORM: trans.__('platform'),
    USER_UPLOAD: trans.__('uploaded'),
    EXTERNAL: trans.__('connected')
  }[source];
}

/** `STOCKS` as it is read: `stocks`. */
export function assetText(asset: string): string {
  return asset.toLowerCase().replaceAll('_', ' ');
}

export function grantText(level: GrantLevel, trans: TranslationBundle): string {
  return {
    READ: trans.__('look at it'),
    USE: trans.__('run on it as well'),
    EDIT: trans.__('change it as well')
  }[level];
}

/** What a user may do with a dataset; the server looks it up again at each request. */
export function rightsOf({ access }: Pick<IDataset, 'access'>): { use: boolean; change: boolean; own: boolean } {
  const own = access === 'OWNER';
  return { use: access !== 'READ', change: own || access === 'EDIT', own };
}

/** Whose it is, and what one may do with it; `null` for what is one's own or the platform's. */
export function sharedText(dataset: Pick<IDataset, 'owner' | 'access'>, trans: TranslationBundle): string | null {
  const { owner, access } = dataset;
  if (owner === null || access === 'OWNER') {
    return null;
  }
  return {
    READ: trans.__('of %1: you may look at it', owner),
    USE: trans.__('of %1: you may look at it and run on it', owner),
    EDIT: trans.__('of %1: you may run on it and change it', owner)
  }[access];
}

/** Where it comes from, as a list has room for it: whose it is, of what others share. */
export function fromText(dataset: Pick<IDataset, 'owner' | 'access' | 'source'>, trans: TranslationBundle): string {
  const { owner, access, source } = dataset;
  return owner === null || access === 'OWNER' ? sourceText(source, trans) : trans.__('of %1', owner);
}

export function severityText(severity: IRuleResult['severity'], trans: TranslationBundle): string {
  return { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('remark') }[severity];
}

/** What rules look at. */
export function groupText(group: string, trans: TranslationBundle): string {
  return (
    {
      file: trans.__('The file'),
      columns: trans.__('Columns'),
      times: trans.__('Times'),
      sessions: trans.__('Sessions and gaps'),
      'prices and volume': trans.__('Prices and volume'),
      symbols: trans.__('Symbols'),
      knowledge: trans.__('When it was known'),
      values: trans.__('Missing and constant values'),
      quotes: trans.__('Overlaps and crossed quotes')
    }[group] ?? group
  );
}

export function numberComplaintText(
  complaint: NumberComplaint,
  { least, most }: IRuleNumber,
  trans: TranslationBundle
): string {
  return {
    'no-number': trans.__('Write a number.'),
    'not-whole': trans.__('Write a whole number.'),
    'out-of-bounds': trans.__('From %1 to %2.', boundText(least), boundText(most))
  }[complaint];
}

/** Tags as they are written with commas between, each once. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(',').map(tag => tag.trim()).filter(Boolean))];
}

/** Whether it can be used, with a mark: never told by colour alone. */
export interface IDatasetState {
  kind: 'valid' | 'errors' | 'unchecked';
  mark: string;
  text: string;
}

export function datasetState(
  dataset: Pick<IDataset, 'is_validated' | 'validation_errors'>,
  trans: TranslationBundle
): IDatasetState {
  const errors = dataset.validation_errors.length;
  if (errors > 0) {
    return { kind: 'errors', mark: '\u2715', text: trans._n('%1 open error', '%1 open errors', errors) };
  }
  return dataset.is_validated
    ? { kind: 'valid', mark: '\u2713', text: trans.__('checked') }
    : { kind: 'unchecked', mark: '\u25cb', text: trans.__('not all rules checked') };
}

export function spanText({ start_date, end_date }: { start_date: string; end_date: string }): string {
  return `${start_date.slice(0, 10)} \u2013 ${end_date.slice(0, 10)}`;
}

/** On whose clocks the times that are shown are; `null` where there are days alone. */
export function clockText(timeframe: string, zone: string | null, trans: TranslationBundle): string | null {
  if (DAYS.has(timeframe)) {
    return null;
  }
  return zone === null || zone === 'UTC' ? trans.__('times in UTC') : trans.__('times in UTC (in the file: %1)', zone);
}

/** Time frames without a time of day. */
const DAYS: ReadonlySet<string> = new Set(['1d', '1w', '1mo']);

export function rowsText(count: number, trans: TranslationBundle): string {
  return trans._n('%2 row', '%2 rows', count, compact(count));
}

export function symbolsText(dataset: Pick<IDataset, 'symbols' | 'symbol_count'>, trans: TranslationBundle): string {
  const [first] = dataset.symbols;
  return dataset.symbol_count === 1 && first ? first : trans.__('%1 symbols', fixed(dataset.symbol_count, 0));
}

const DAY = 86_400_000;

/** How old the last row is; what ends long ago is history, and nobody asks how many days. */
export function freshness(end: string, now: number, trans: TranslationBundle): string {
  const days = Math.floor((now - Date.parse(end)) / DAY);
  if (Number.isNaN(days)) {
    return '';
  }
  if (days < 1) {
    return trans.__('up to today');
  }
  return days < 60 ? trans._n('%1 day old', '%1 days old', days) : '';
}

/** How a cell names it: a name is the platform's or one's own, and what others share is known by its id. */
export function nameInCode(dataset: Pick<IDataset, 'id' | 'name' | 'owner' | 'access'>): string {
  return dataset.owner === null || dataset.access === 'OWNER' ? dataset.name : dataset.id;
}

/** What loads it in a cell. Anything but a plain name is written as JSON writes it, which Python reads alike. */
export function loadingCode(name: string, version: number | null): string {
  return `al.data.load(${JSON.stringify(version === null ? name : `${name}@${version}`)})`;
}

/** Significant digits of a figure that was calculated, beyond the decimals that its column has itself. */
const DIGITS = 7;

/** A figure that was calculated of a column's values: their decimals, and the digits that its size needs. */
export function figureText(value: DatasetCell | undefined, decimals: number): string {
  if (typeof value !== 'number') {
    return cellText(value, decimals);
  }
  const room = DIGITS - 1 - Math.floor(Math.log10(Math.abs(value)));
  return cellText(value, Math.max(decimals, Math.min(priceDecimals(value), room)));
}

/** What is known of columns, as they stand in a row; what is in no row stands behind. */
export function inOrder<T>(columns: Readonly<Record<string, T>>, row: Readonly<Record<string, unknown>>): [string, T][] {
  const names = Object.keys(row);
  const place = (name: string): number => (names.includes(name) ? names.indexOf(name) : names.length);
  return Object.entries(columns).sort(([a], [b]) => place(a) - place(b));
}

/** A name for a dataset that is made of a file: its own, without what tells of its packing. */
export function nameOfFile(filename: string): string {
  return filename.replace(/(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|feather|arrow|xlsx?|gz|zip|zst))+$/i, '');
}

export function roleText(role: string, trans: TranslationBundle): string {
  return (
    {
      time: trans.__('time'),
      date: trans.__('date, clock beside'),
      clock: trans.__('clock'),
      symbol: trans.__('symbol'),
      adj_close: trans.__('adjusted close'),
      bid_size: trans.__('bid size'),
      ask_size: trans.__('ask size'),
      known_at: trans.__('known at'),
      event: trans.__('kind of event'),
      value: trans.__('ratio or amount'),
      new_symbol: trans.__('new symbol'),
      known_to: trans.__('withdrawn at'),
      split: trans.__('splits'),
      dividend: trans.__('dividends'),
      text: trans.__('text'),
      ignore: trans.__('leave out')
    }[role] ?? role
  );
}

/** What one of the answers to a question says. */
export function choiceText(field: string, choice: string, trans: TranslationBundle): string {
  return field !== 'symbol_from'
    ? choice
    : choice === 'columns'
      ? trans.__('of an instrument each')
      : trans.__('features of one');
}

export function kindText(kind: IMapping['kind'], trans: TranslationBundle): string {
  return {
    bars: trans.__('bars'),
    ticks: trans.__('ticks and quotes'),
    features: trans.__('other series (features)'),
    reference: trans.__('splits, dividends, symbols (reference)')
  }[kind];
}

export function adjustmentText(adjustment: string, trans: TranslationBundle): string {
  return (
    {
      raw: trans.__('not adjusted'),
      adjusted: trans.__('adjusted'),
      splits: trans.__('adjusted for splits'),
      splits_and_dividends: trans.__('adjusted for splits and dividends'),
      unknown: trans.__('adjustment not known')
    }[adjustment] ?? adjustment
  );
}

export function complaintText(complaint: IMappingComplaint, trans: TranslationBundle): string {
  const { kind, detail } = complaint;
  switch (kind) {
    case 'no-time':
      return trans.__('No column is the time. Choose it in the table.');
    case 'several-times':
      return trans.__('Several columns are the time. Keep one, or a date and a clock.');
    case 'no-close':
      return trans.__('Bars need a close. Choose its column, or say that the file holds other series.');
    case 'no-price':
      return trans.__('Ticks need a price, or bid and ask.');
    case 'no-event':
      return trans.__('No column says what kind of event each row is (split, dividend, symbol, listing, delisting), or holds splits or dividends alone.');
    case 'two-ways':
      return trans.__('Either a column says the kind of each row, or splits and dividends have columns of their own: leave out %1, or those.', detail ?? '');
    case 'no-known-from':
      return trans.__('From when were the events known?');
    case 'no-values':
      return trans.__('All columns but the time are left out.');
    case 'no-format':
      return trans.__('How are the times of %1 written? %Y-%m-%d, for example.', detail ?? '');
    case 'no-symbol':
      return trans.__('Write the symbol of these rows.');
    case 'no-name':
      return trans.__('The column %1 needs a name.', detail ?? '');
    case 'same-name':
      return trans.__('Two columns are called %1.', detail ?? '');
    case 'no-dataset':
      return trans.__('Give the dataset a name.');
    case 'no-instrument':
      return trans.__('No instrument is read: call one by a name, and say what its columns are.');
    case 'same-symbol':
      return trans.__('Two instruments are called %1.', detail ?? '');
    case 'lacks-close':
      return trans.__('%1 has no close: leave it out, or say which of its columns it is.', detail ?? '');
    case 'taken-name':
      return trans.__('%1 is a dataset of the platform: choose another name.', detail ?? '');
  }
}

/** Decimals for all cells of a column, so that they agree: those that it is quoted in; none for whole numbers alone. */
export function columnDecimals(values: readonly (DatasetCell | undefined)[]): number {
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  return numbers.every(Number.isInteger) ? 0 : quotedDecimals(numbers);
}

/** A cell of a sample. Times lose the zeros of a day, numbers get the decimals of their column, or their own. */
export function cellText(value: DatasetCell | undefined, decimals?: number): string {
  if (value === null || value === undefined) {
    return UNDEFINED;
  }
  if (typeof value === 'number') {
    return fixed(value, decimals ?? columnDecimals([value]));
  }
  if (typeof value === 'string') {
    return value.replace(/T00:00:00(\.0+)?(Z|\+00:00)?$/, '').replace(/(\d)T(\d\d:\d\d)/, '$1 $2').replace(/Z$/, '');
  }
  return formatValue(value, 'text');
}

/** A kind of event as it is called beside others. */
export function eventKindText(kind: string, trans: TranslationBundle): string {
  return (
    {
      split: trans.__('split'),
      dividend: trans.__('dividend'),
      symbol: trans.__('new symbol'),
      listing: trans.__('listing'),
      delisting: trans.__('delisting')
    }[kind] ?? kind
  );
}

/** The head of a column of a table of events. */
export function eventColumnText(name: string, trans: TranslationBundle): string {
  return (
    {
      symbol: trans.__('Symbol'),
      kind: trans.__('Kind'),
      ex_date: trans.__('Ex-date'),
      ratio: trans.__('Ratio'),
      amount: trans.__('Amount'),
      new_symbol: trans.__('New symbol'),
      known_from: trans.__('Known from (UTC)'),
      known_to: trans.__('Withdrawn (UTC)'),
      state: trans.__('State'),
      source: trans.__('Source')
    }[name] ?? name
  );
}

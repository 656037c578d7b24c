/** How a file is read, while it is being corrected: what is open, what cannot be, what follows from a change. No DOM. */

import type { IIngestBody, IInspected, IMappedColumn, IMapping, IQuestion } from '../api/datasets.js';
import { Owners, byInstrument, isByInstrument, ofOne, recalledColumns, wrongInstrument } from './instruments.js';

/** What is stated of a dataset beside how its file is read; empty texts state nothing. */
export interface IAbout {
  dataset: string;
  append: boolean;
  asset_class: string;
  timeframe: string;
  calendar: string;
  currency: string;
  simulated: boolean;
  /** False says nothing: the next version of a sealed dataset is sealed as well. */
  sealed: boolean;
  description: string;
}

/** Everything that the form holds. */
export interface IMappingForm {
  mapping: IMapping;
  about: IAbout;
  /** Fields of questions that were answered. */
  answered: readonly string[];
  /** What a typed file says of each column. */
  kinds: readonly string[];
  /** Whose each column is, where the file says that; else none. */
  owners: Owners;
}

export interface IMappingComplaint {
  /** A field of the mapping, as in questions; or `dataset`. */
  field: string;
  kind:
    | 'no-time'
    | 'several-times'
    | 'no-close'
    | 'no-price'
    | 'no-event'
    | 'two-ways'
    | 'no-known-from'
    | 'no-values'
    | 'no-format'
    | 'no-symbol'
    | 'no-name'
    | 'same-name'
    | 'no-dataset'
    | 'taken-name'
    | 'no-instrument'
    | 'same-symbol'
    | 'lacks-close';
  /** What it is about, where that is not the field alone. */
  detail?: string;
}

export const ROLES: Record<IMapping['kind'], readonly string[]> = {
  bars: [
    'time', 'date', 'clock', 'symbol', 'open', 'high', 'low', 'close', 'adj_close', 'volume',
    'known_at', 'feature', 'label', 'text', 'ignore'
  ],
  ticks: [
    'time', 'date', 'clock', 'symbol', 'price', 'size', 'bid', 'ask', 'bid_size', 'ask_size',
    'known_at', 'feature', 'label', 'text', 'ignore'
  ],
  features: ['time', 'date', 'clock', 'symbol', 'known_at', 'feature', 'label', 'text', 'ignore'],
  reference: [
    'time', 'date', 'symbol', 'event', 'value', 'new_symbol', 'split', 'dividend', 'known_at', 'known_to', 'source', 'ignore'
  ]
};

export const TIME_ROLES: readonly string[] = ['time', 'date', 'clock', 'known_at', 'known_to'];
/** Of `known_from`: each event was known from its own date on. */
export const EX_DATE = 'ex_date';
/** Roles that any number of columns may have. */
const MANY: readonly string[] = ['feature', 'label', 'text', 'ignore'];
/** What is asked of each file anew, whatever was said of another. */
const OF_THE_FILE: readonly string[] = ['symbol', 'symbol_pattern', 'members', 'known_from'];
const NAMELESS: readonly string[] = ['time', 'date', 'clock', 'symbol', 'ignore'];

/** The form as it opens: with how such a file was read before, else with the guess. */
export function initialForm(found: IInspected, dataset: string): IMappingForm {
  const before = found.remembered;
  const kinds = found.kinds ?? [];
  const owners = found.owners ?? [];
  const about: IAbout = {
    dataset,
    append: false,
    asset_class: '',
    timeframe: '',
    calendar: '',
    currency: '',
    simulated: false,
    sealed: false,
    description: ''
  };
  const answered = found.questions.map(question => question.field).filter(field => !OF_THE_FILE.includes(field));
  if (before !== null && isByInstrument(before) && isByInstrument(found.mapping)) {
    // Of other instruments, in another order: what is remembered is what the fields are.
    const columns = recalledColumns(found.mapping, before);
    const { kind, resolution, zone, label, adjustment } = before;
    return columns === null
      ? { mapping: found.mapping, about, answered: [], kinds, owners }
      : { mapping: { ...found.mapping, columns, kind, resolution, zone, label, adjustment }, about, answered, kinds, owners };
  }
  if (before === null || before.columns.length !== found.mapping.columns.length) {
    return { mapping: found.mapping, about, answered: [], kinds, owners };
  }
  // A file of the same columns may be of another instrument, an archive of other names.
  const isOwn = before.symbol_from !== 'column' && !isByInstrument(before) && !isByInstrument(found.mapping);
  const { symbol_from, symbol } = isOwn ? found.mapping : before;
  const { symbol_pattern, members, known_from = '' } = found.mapping;
  return {
    mapping: { ...before, symbol_from, symbol, symbol_pattern, members, known_from },
    about,
    kinds,
    owners,
    answered
  };
}

/** Of events nobody asks on which clocks they are, or at which end of a bar; of prices not from when they were known. */
const OF_BARS: readonly string[] = ['zone', 'label'];

/** What is asked of a file whose rows are what the form says. */
export function questionsOf(found: IInspected, { mapping }: Pick<IMappingForm, 'mapping'>): IQuestion[] {
  const isEvents = mapping.kind === 'reference';
  return found.questions.filter(({ field }) =>
    field === 'symbol' && isByInstrument(mapping) ? false : isEvents ? !OF_BARS.includes(field) : field !== 'known_from'
  );
}

/** What nobody has answered yet. */
export function openQuestions(found: IInspected, form: IMappingForm): IQuestion[] {
  return questionsOf(found, form).filter(
    ({ field }) =>
      !form.answered.includes(field) && !(field === 'symbol_pattern' && form.mapping.symbol_from !== 'name')
  );
}

/** Which columns of a file hold splits or dividends beside its prices. */
export function eventsBeside(found: Pick<IInspected, 'reasons'>): { position: number; role: string }[] {
  return found.reasons
    .flatMap(({ field, value }) => {
      const place = /^columns\[(\d+)\]\.event$/.exec(field)?.[1];
      return place === undefined ? [] : [{ position: Number(place), role: value }];
    })
    .sort((a, b) => a.position - b.position);
}

/** What a question is about, as its control shows it; empty while it is open. */
export function answerOf(form: IMappingForm, field: string): string {
  if (!form.answered.includes(field)) {
    return '';
  }
  const { mapping } = form;
  const format = /^columns\[(\d+)\]\.format$/.exec(field);
  if (format) {
    return mapping.columns[Number(format[1])]?.format ?? '';
  }
  switch (field) {
    case 'columns':
      return mapping.columns.find(column => column.role === 'time')?.source ?? '';
    case 'symbol':
      return mapping.symbol_from === 'fixed' ? mapping.symbol : '';
    case 'dialect.encoding':
      return mapping.dialect.encoding;
    case 'dialect.decimal':
      return mapping.dialect.decimal;
    default:
      return String((mapping as unknown as Record<string, unknown>)[field] ?? '');
  }
}

/** Answer a question, or change a field; an empty answer opens the question again. */
export function answer(form: IMappingForm, field: string, value: string): IMappingForm {
  const others = form.answered.filter(own => own !== field);
  const answered = value.trim() === '' ? others : [...others, field];
  const mapping =
    field === 'symbol_from'
      ? withSymbolFrom(form.mapping, value as IMapping['symbol_from'], form.owners)
      : set(form.mapping, field, value);
  return { ...form, answered, mapping };
}

function set(mapping: IMapping, field: string, value: string): IMapping {
  const format = /^columns\[(\d+)\]\.format$/.exec(field);
  if (format) {
    return changed(mapping, Number(format[1]), { format: value, stated: value.trim() !== '' });
  }
  switch (field) {
    case 'columns': {
      const place = mapping.columns.findIndex(column => column.source === value);
      return place < 0 ? mapping : withRole(mapping, place, 'time');
    }
    case 'symbol':
      return mapping.symbol_from === 'column' ? mapping : { ...mapping, symbol_from: 'fixed', symbol: value };
    case 'zone':
      return { ...mapping, zone: value.trim() === '' ? null : value };
    case 'dialect.encoding':
      return { ...mapping, dialect: { ...mapping.dialect, encoding: value } };
    case 'dialect.decimal':
      // What does not stand before decimals stands between thousands.
      return value === '' ? mapping : { ...mapping, dialect: { ...mapping.dialect, decimal: value, thousands: value === ',' ? '.' : ',' } };
    default:
      return { ...mapping, [field]: value };
  }
}

function changed(mapping: IMapping, place: number, change: Partial<IMappedColumn>): IMapping {
  return {
    ...mapping,
    columns: mapping.columns.map(column => (column.position === place ? { ...column, ...change } : column))
  };
}

/** Give a column another name in the dataset. */
export function withName(mapping: IMapping, place: number, name: string): IMapping {
  return changed(mapping, place, { name });
}

/** The name that a column gets along with a role. */
function nameFor(column: IMappedColumn, role: string): string {
  if (NAMELESS.includes(role)) {
    return '';
  }
  return MANY.includes(role) ? column.source.trim() || `column_${column.position + 1}` : role;
}

/** Give a column a role; the one that had it before becomes a feature, or is left out where it held times or is of events. */
export function withRole(mapping: IMapping, place: number, role: string): IMapping {
  const isSingle = !MANY.includes(role);
  const columns = mapping.columns.map(column => {
    if (column.position === place) {
      const keepsFormat = TIME_ROLES.includes(role) && TIME_ROLES.includes(column.role);
      const kept = keepsFormat ? {} : { format: '', stated: false };
      return { ...column, role, name: nameFor(column, role), ...kept };
    }
    if (isSingle && column.role === role) {
      const isGone = NAMELESS.includes(role) || TIME_ROLES.includes(role) || mapping.kind === 'reference';
      const freed = isGone ? 'ignore' : 'feature';
      return { ...column, role: freed, name: nameFor(column, freed), format: '', stated: false };
    }
    return column;
  });
  const hasSymbol = columns.some(column => column.role === 'symbol');
  const symbol_from = hasSymbol ? 'column' : mapping.symbol_from === 'column' ? 'name' : mapping.symbol_from;
  return { ...mapping, columns, symbol_from };
}

/** Have a role be that of another column, or with `null` of none; times are taken to be written as those of the one before. */
export function withColumnOf(mapping: IMapping, role: string, place: number | null): IMapping {
  const before = mapping.columns.find(column => column.role === role);
  const left = before === undefined ? mapping : withRole(mapping, before.position, 'ignore');
  if (place === null) {
    return left;
  }
  const next = withRole(left, place, role);
  const isUnwritten = TIME_ROLES.includes(role) && next.columns[place]?.format === '';
  return isUnwritten ? changed(next, place, { format: before?.format ?? '' }) : next;
}

/**
 * Say that rows are of another kind; a column whose role it does not know is left out where events are involved.
 *
 * What the file was found to be helps: as events, the columns of splits and dividends beside prices; back, the prices.
 */
export function withKind(mapping: IMapping, kind: IMapping['kind'], found?: IInspected): IMapping {
  if (kind !== 'reference' && mapping.kind !== 'reference') {
    return { ...mapping, kind };
  }
  if (kind === 'reference' && isByInstrument(mapping)) {
    return mapping; // its rows would be events of no one
  }
  if (found !== undefined && kind === found.mapping.kind && kind !== mapping.kind) {
    const { columns, resolution, zone } = found.mapping;
    return { ...withSymbolOf({ ...mapping, kind, columns, resolution, zone, known_from: '' }, found.mapping) };
  }
  const beside = new Map((found ? eventsBeside(found) : []).map(({ position, role }) => [position, role]));
  const columns = mapping.columns.map(column => {
    const role = kind === 'reference' ? beside.get(column.position) : undefined;
    return role !== undefined
      ? { ...column, role, name: role }
      : ROLES[kind].includes(column.role)
        ? column
        : { ...column, role: 'ignore', name: '', format: '' };
  });
  return kind === 'reference'
    ? { ...mapping, kind, columns, resolution: 'date', zone: null }
    : { ...mapping, kind, columns, known_from: '' };
}

/** Have the symbol come from where its columns say, which may have changed. */
function withSymbolOf(mapping: IMapping, guess: IMapping): IMapping {
  const hasSymbol = mapping.columns.some(column => column.role === 'symbol');
  return hasSymbol === (mapping.symbol_from === 'column')
    ? mapping
    : { ...mapping, symbol_from: guess.symbol_from, symbol: guess.symbol };
}

/** Have the symbol come from a column, from one text for all rows, from the file's name, or from the names of columns. */
export function withSymbolFrom(mapping: IMapping, from: IMapping['symbol_from'], owners: Owners = []): IMapping {
  if (from === 'column' || (from === 'columns' && isByInstrument(mapping))) {
    return mapping;
  }
  if (from === 'columns') {
    return byInstrument(mapping, owners);
  }
  if (isByInstrument(mapping)) {
    return ofOne(mapping, from);
  }
  const columns = mapping.columns.map(column =>
    column.role === 'symbol' ? { ...column, role: 'ignore', name: '' } : column
  );
  return { ...mapping, columns, symbol_from: from };
}

/** Whether the zone of its times is to be known: a day is one everywhere, and some times name theirs. */
export function needsZone({ mapping, kinds }: Pick<IMappingForm, 'mapping' | 'kinds'>): boolean {
  const time = mapping.columns.find(column => column.role === 'time');
  const isZoned = time?.format === 'native' && kinds[time.position] === 'zoned';
  return mapping.resolution === 'time' && !isZoned && !/^epoch:|%z$|Z$/.test(time?.format ?? '');
}

/** What keeps the file from being read like this; of a `taken` name there is a dataset. The server checks it again. */
export function complaintsOf({ mapping, about, owners }: IMappingForm, taken: readonly string[] = []): IMappingComplaint[] {
  const found: IMappingComplaint[] = [];
  const { columns } = mapping;
  const having = (role: string): IMappedColumn[] => columns.filter(column => column.role === role);
  const wrong = isByInstrument(mapping) ? wrongInstrument(mapping, owners) : null;
  if (wrong) {
    // With it their columns have names twice, or none: it is told once.
    return [{ field: 'symbol_from', kind: wrong.kind, detail: wrong.symbol }, ...nameComplaints(about, taken)];
  }
  const times = having('time').length + having('date').length + Number(mapping.date_in_name);
  if (times !== 1) {
    found.push({ field: 'columns', kind: times === 0 ? 'no-time' : 'several-times' });
  }
  if (mapping.kind === 'bars' && having('close').length === 0) {
    found.push({ field: 'columns', kind: 'no-close' });
  }
  if (
    mapping.kind === 'ticks' &&
    having('price').length === 0 &&
    (having('bid').length === 0 || having('ask').length === 0)
  ) {
    found.push({ field: 'columns', kind: 'no-price' });
  }
  if (mapping.kind === 'reference') {
    const own = [...having('split'), ...having('dividend')];
    const each = [...having('event'), ...having('value'), ...having('new_symbol')];
    if (own.length === 0 && having('event').length === 0) {
      found.push({ field: 'columns', kind: 'no-event' });
    } else if (own.length > 0 && each.length > 0) {
      found.push({ field: 'columns', kind: 'two-ways', detail: each[0]!.source });
    }
    if (having('known_at').length === 0 && (mapping.known_from ?? '').trim() === '') {
      found.push({ field: 'known_from', kind: 'no-known-from' });
    }
  }
  const values = columns.filter(column => !NAMELESS.includes(column.role));
  if (values.length === 0) {
    found.push({ field: 'columns', kind: 'no-values' });
  }
  for (const column of columns) {
    if (TIME_ROLES.includes(column.role) && column.format.trim() === '') {
      found.push({ field: `columns[${column.position}].format`, kind: 'no-format', detail: column.source });
    }
  }
  const names = new Set<string>();
  for (const { position, name, source, symbol } of values) {
    const folded = name.trim().toLowerCase();
    const key = `${symbol ?? ''}\u0000${folded}`;
    if (folded === '') {
      found.push({ field: `columns[${position}].name`, kind: 'no-name', detail: source });
    } else if (names.has(key)) {
      found.push({ field: `columns[${position}].name`, kind: 'same-name', detail: name });
    }
    names.add(key);
  }
  if (mapping.symbol_from === 'fixed' && mapping.symbol.trim() === '') {
    found.push({ field: 'symbol', kind: 'no-symbol' });
  }
  return [...found, ...nameComplaints(about, taken)];
}

function nameComplaints({ dataset }: IAbout, taken: readonly string[]): IMappingComplaint[] {
  const name = dataset.trim();
  return name === ''
    ? [{ field: 'dataset', kind: 'no-dataset' }]
    : taken.includes(name)
      ? [{ field: 'dataset', kind: 'taken-name', detail: name }]
      : [];
}

/** What is asked of the server. */
export function ingestBody(form: IMappingForm): IIngestBody {
  const { mapping, about } = form;
  const isEvents = mapping.kind === 'reference';
  // Nothing of it is said of events, whatever was written before the rows were.
  const given = (text: string): string | null => (isEvents ? null : text.trim() || null);
  return {
    mapping: {
      ...mapping,
      columns: mapping.columns.map(own => (own.symbol ? { ...own, symbol: own.symbol.trim() } : own)),
      symbol: mapping.symbol_from === 'fixed' ? mapping.symbol.trim() : '',
      zone: needsZone(form) ? mapping.zone : null,
      known_from: isEvents ? (mapping.known_from ?? '').trim() : ''
    },
    dataset: about.dataset.trim(),
    append: about.append,
    sealed: about.sealed || null,
    about: {
      asset_class: given(about.asset_class),
      timeframe: given(about.timeframe),
      calendar: given(about.calendar),
      currency: given(about.currency.toUpperCase()),
      simulated: about.simulated && !isEvents
    },
    description: about.description.trim()
  };
}

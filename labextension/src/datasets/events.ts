/** Splits, dividends and symbols of a dataset as they are listed and drawn. No DOM. */

import type { DatasetCell } from '../api/datasets.js';
import { isoTime, quantity, ratioText } from '../result/format.js';
import type { IColumn, ITable } from '../result/payload.js';

/** Kinds of events, in the order in which they are drawn. */
export const KINDS = ['split', 'dividend', 'symbol', 'listing', 'delisting'] as const;
export type EventKind = (typeof KINDS)[number];

/** What a version has that holds events: all of these columns, and no others. */
const COLUMNS: Readonly<Record<string, string>> = {
  symbol: 'string',
  ex_date: 'date32',
  kind: 'string',
  value: 'double',
  text: 'string',
  known_from: 'timestamp[us, UTC]',
  known_to: 'timestamp[us, UTC]',
  source: 'string'
};

/** Whether these are the columns of splits and dividends. */
export function holdsEvents(types: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(COLUMNS);
  return Object.keys(types).length === names.length && names.every(name => types[name] === COLUMNS[name]);
}

/** Whether a dataset of the list holds them, of which the names of its columns are known. */
export function listsEvents(columns: readonly string[]): boolean {
  const names = Object.keys(COLUMNS).filter(name => name !== 'symbol');
  return columns.length === names.length && names.every(name => columns.includes(name));
}

export interface IEvent {
  symbol: string;
  kind: string;
  /** Seconds since the epoch of the day on which it happens, and of when it was known. */
  ex: number;
  knownFrom: number;
  /** From when it was withdrawn. */
  knownTo: number | null;
  /** New shares for an old one, or money for one. */
  value: number | null;
  /** The new symbol. */
  text: string | null;
  source: string;
  /** Whether a row that was known later says it anew. */
  isCorrected: boolean;
}

function seconds(cell: DatasetCell | undefined): number | null {
  const at = typeof cell === 'string' ? Date.parse(cell) / 1000 : NaN;
  return Number.isNaN(at) ? null : at;
}

/** Events of rows as they are stored, by their date; what is no row of events is left out. */
export function eventsOf(rows: readonly Record<string, DatasetCell>[]): IEvent[] {
  const found: IEvent[] = [];
  for (const row of rows) {
    const [ex, knownFrom] = [seconds(row.ex_date), seconds(row.known_from)];
    if (ex !== null && knownFrom !== null) {
      found.push({
        symbol: String(row.symbol),
        kind: String(row.kind),
        ex,
        knownFrom,
        knownTo: seconds(row.known_to),
        value: typeof row.value === 'number' ? row.value : null,
        text: typeof row.text === 'string' ? row.text : null,
        source: String(row.source ?? ''),
        isCorrected: false
      });
    }
  }
  found.sort((a, b) => a.ex - b.ex || a.symbol.localeCompare(b.symbol) || a.knownFrom - b.knownFrom);
  const last = new Map<string, IEvent>();
  for (const event of found) {
    const key = JSON.stringify([event.symbol, event.kind, event.ex]);
    const before = last.get(key);
    if (before) {
      before.isCorrected = true;
    }
    last.set(key, event);
  }
  return found;
}

/** The lines of a file of JSON, one row each. */
export function rowsOf(lines: string): Record<string, DatasetCell>[] {
  return lines
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line) as Record<string, DatasetCell>);
}

/** What happened, in a word: `4:1`, `0.205`, `META`; empty where the kind says it all. */
export function whatText({ kind, value, text }: Pick<IEvent, 'kind' | 'value' | 'text'>): string {
  if (kind === 'symbol') {
    return text ?? '';
  }
  return value === null ? '' : kind === 'split' ? ratioText(value) : quantity(value);
}

/** An event in a line: for whoever points at it, and for a screen reader. */
export function eventText(event: IEvent, kindText: (kind: string) => string): string {
  return [isoTime(event.ex, true), event.symbol, kindText(event.kind), whatText(event)].filter(Boolean).join('  ');
}

/** How many events there are of each kind that there is. */
export function countsOf(events: readonly IEvent[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { kind } of events) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const rank = (kind: string): number => {
    const at = (KINDS as readonly string[]).indexOf(kind);
    return at < 0 ? KINDS.length : at;
  };
  return [...counts].sort(([a], [b]) => rank(a) - rank(b));
}

/** The words of a table of events. */
export interface IEventWords {
  kind: (kind: string) => string;
  column: (name: string) => string;
  corrected: string;
}

/** Events as a table: the columns that any of them has something in. */
export function eventTable(events: readonly IEvent[], words: IEventWords): ITable {
  const having = (kind: string): boolean => events.some(event => event.kind === kind);
  const amounts = new Set(['dividend', 'delisting']);
  const columns: [string, IColumn['format'], boolean, (event: IEvent) => string | number | null][] = [
    ['symbol', 'text', true, event => event.symbol],
    ['kind', 'text', true, event => words.kind(event.kind)],
    ['ex_date', 'time', true, event => event.ex],
    ['ratio', 'text', having('split'), event => (event.kind === 'split' ? whatText(event) : null)],
    [
      'amount',
      'quantity',
      events.some(event => amounts.has(event.kind) && event.value !== null),
      event => (amounts.has(event.kind) ? event.value : null)
    ],
    ['new_symbol', 'text', having('symbol'), event => event.text],
    ['known_from', 'time', true, event => event.knownFrom],
    ['known_to', 'time', events.some(event => event.knownTo !== null), event => event.knownTo],
    ['state', 'text', events.some(event => event.isCorrected), event => (event.isCorrected ? words.corrected : null)],
    ['source', 'text', true, event => event.source]
  ];
  const shown = columns.filter(([, , isThere]) => isThere);
  return {
    columns: shown.map(([name, format]) => ({ name, label: words.column(name), format })),
    rows: events.map(event => shown.map(([, , , cell]) => cell(event))),
    total: events.length,
    omitted: null
  };
}

/** A label of the time axis. */
export interface ITick {
  time: number;
  text: string;
}

const DAY = 86_400;
/** Steps of the axis in months, the finest first. */
const STEPS = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200];

/** The first and the last time that is drawn: with room beside them, and of one day half a year. */
export function spanOf(events: readonly IEvent[]): [number, number] {
  let [first, last] = [Infinity, -Infinity];
  for (const { ex } of events) {
    first = Math.min(first, ex);
    last = Math.max(last, ex);
  }
  const room = Math.max((last - first) * 0.02, first === last ? 91 * DAY : 5 * DAY);
  return [first - room, last + room];
}

/** First days of months or years on the axis, at most so many. */
export function ticksOf([first, last]: readonly [number, number], most: number): ITick[] {
  const month = (time: number): number => {
    const date = new Date(time * 1000);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  };
  const months = (last - first) / (30.44 * DAY);
  const step = STEPS.find(own => months / own <= Math.max(1, most)) ?? STEPS.at(-1)!;
  const ticks: ITick[] = [];
  for (let at = Math.ceil(month(first) / step) * step; ; at += step) {
    const time = Date.UTC(Math.floor(at / 12), at % 12, 1) / 1000;
    if (time > last) {
      return ticks;
    }
    if (time >= first) {
      const iso = new Date(time * 1000).toISOString();
      ticks.push({ time, text: step >= 12 ? iso.slice(0, 4) : iso.slice(0, 7) });
    }
  }
}

/** The event that lies nearest to a place on the axis, of those of a kind; −1 where none is so near. */
export function nearest(events: readonly IEvent[], kind: string, time: number, within: number): number {
  let found = -1;
  let least = within;
  events.forEach((event, i) => {
    const away = Math.abs(event.ex - time);
    if (event.kind === kind && away <= least) {
      [found, least] = [i, away];
    }
  });
  return found;
}

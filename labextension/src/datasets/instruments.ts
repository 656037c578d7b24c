/** A file in which each instrument has columns of its own: one line for each field, whoever has it. No DOM. */

import type { IMappedColumn, IMapping } from '../api/datasets.js';

/** Of each column the instrument and the field that its name says; both empty of what is all instruments'. */
export type Owners = readonly (readonly [string, string])[];

/** Columns that are corrected at once. */
export interface IGroup {
  /** The first of them. */
  column: IMappedColumn;
  /** What they are called; empty where the name of the instrument is all that is there. */
  label: string;
  /** All of them, in the file's order; one alone of what is all instruments'. */
  places: readonly number[];
  /** Of how many instruments they are; 0 of what is all instruments'. */
  count: number;
}

/** Roles of what is all instruments', or says whose a row is: no instrument has one of its own. */
const OF_ALL: readonly string[] = ['time', 'date', 'clock', 'symbol'];
const ROLE_OF: Readonly<Record<string, string>> = {
  open: 'open', high: 'high', low: 'low', close: 'close', price: 'close', last: 'close', px_last: 'close',
  adj_close: 'adj_close', adjclose: 'adj_close', adjusted_close: 'adj_close', volume: 'volume', vol: 'volume'
};
const MANY: readonly string[] = ['feature', 'label', 'text', 'ignore'];

/** Whether instruments have columns of their own. */
export function isByInstrument(mapping: IMapping): boolean {
  return mapping.symbol_from === 'columns';
}

/** The instruments as they are written in the file, in its order. */
export function writtenInstruments(owners: Owners): string[] {
  return [...new Set(owners.map(([symbol]) => symbol).filter(symbol => symbol !== ''))];
}

/** The instruments that are read. */
export function readInstruments(mapping: IMapping): string[] {
  return [...new Set(mapping.columns.filter(column => column.role !== 'ignore').map(column => column.symbol ?? '').filter(Boolean))];
}

/** The columns as the form shows them: a field once, whoever has it. */
export function groupsOf(mapping: IMapping, owners: Owners): IGroup[] {
  if (!isByInstrument(mapping) || owners.length !== mapping.columns.length) {
    return mapping.columns.map(column => ({ column, label: column.source, places: [column.position], count: 0 }));
  }
  const fields = new Map<string, number[]>();
  const found: (number | number[])[] = [];
  owners.forEach(([, field], place) => {
    const same = fields.get(field);
    if (field === '') {
      found.push(place);
    } else if (same) {
      same.push(place);
    } else {
      const places = [place];
      fields.set(field, places);
      found.push(places);
    }
  });
  return found.map(own => {
    if (typeof own === 'number') {
      const column = mapping.columns[own]!;
      return { column, label: column.source, places: [own], count: 0 };
    }
    const used = own.filter(place => mapping.columns[place]!.role !== 'ignore');
    const column = mapping.columns[used[0] ?? own[0]!]!;
    return { column, label: owners[own[0]!]![1], places: own, count: new Set(own.map(place => owners[place]![0])).size };
  });
}

/** The columns of a group that have what it holds: of each instrument that is read the first. */
function members(mapping: IMapping, owners: Owners, group: IGroup, role: string): Set<number> {
  const read = new Set(readInstruments(mapping));
  const seen = new Set<string>();
  // Who had no close before may have one now; who was left out stays so.
  const isClosing = role === 'close' || read.size === 0;
  return new Set(
    group.places.filter(place => {
      const symbol = owners[place]![0];
      if (symbol === '' || seen.has(symbol)) {
        return false;
      }
      seen.add(symbol);
      const named = mapping.columns[place]!.symbol ?? '';
      return named !== '' && (isClosing || read.has(named));
    })
  );
}

/** Give all columns of a group a role; those that had it before become features, or are left out. */
export function withGroupRole(mapping: IMapping, owners: Owners, group: IGroup, role: string): IMapping {
  const own = members(mapping, owners, group, role);
  const columns = mapping.columns.map((column, place) => {
    if (own.has(place)) {
      const name = role === 'ignore' ? '' : MANY.includes(role) ? group.label.trim() || 'value' : role;
      return { ...column, role, name, format: '', symbol: column.symbol || owners[place]![0] };
    }
    const isFreed = column.role === role && !MANY.includes(role) && !!column.symbol && !group.places.includes(place);
    // Its own name would be that of the role, in another case.
    return isFreed ? { ...column, role: 'feature', name: `file_${role}` } : column;
  });
  return { ...mapping, columns };
}

/** Call what the columns of a group hold otherwise in the dataset. */
export function withGroupName(mapping: IMapping, group: IGroup, name: string): IMapping {
  const own = new Set(group.places);
  const columns = mapping.columns.map((column, place) =>
    own.has(place) && column.role !== 'ignore' ? { ...column, name } : column
  );
  return { ...mapping, columns };
}

/** Call an instrument otherwise than the file does; an empty text leaves it out. */
export function withInstrument(mapping: IMapping, owners: Owners, written: string, symbol: string): IMapping {
  const isRead = (place: number): boolean => {
    const { role, symbol: named } = mapping.columns[place]!;
    return role !== 'ignore' && !!named;
  };
  const reads = new Set(owners.filter(([own], place) => own !== '' && isRead(place)).map(([own]) => own));
  const known = new Map<string, IMappedColumn>();
  const refused = new Set<string>();
  owners.forEach(([own, field], place) => {
    if (own === written || !reads.has(own)) {
      return;
    }
    if (!isRead(place)) {
      refused.add(field);
    } else if (!known.has(field)) {
      known.set(field, mapping.columns[place]!);
    }
  });
  const seen = new Set<string>();
  const columns = mapping.columns.map((column, place) => {
    const [own, field] = owners[place]!;
    if (own !== written || seen.has(field)) {
      return column;
    }
    seen.add(field);
    if (symbol.trim() === '') {
      return { ...column, role: 'ignore', name: '', symbol: '' };
    }
    if (column.symbol && (reads.has(written) || reads.size === 0)) {
      return { ...column, symbol };
    }
    // It was left out: as others are read that have the field, which all may be left out by now.
    const like = known.get(field);
    if (like) {
      const { role, name, format, notation, divisor } = like;
      return { ...column, role, name, format, notation, divisor, symbol };
    }
    return refused.has(field) ? { ...column, symbol } : { ...column, ...meaningOf(field), symbol };
  });
  return { ...mapping, columns };
}

/** What the instruments are called, by how they are written; of those that are left out nothing. */
export function symbolsOf(mapping: IMapping, owners: Owners): Map<string, string> {
  const isNone = readInstruments(mapping).length === 0;
  const symbols = new Map<string, string>();
  mapping.columns.forEach(({ role, symbol }, place) => {
    const own = owners[place]?.[0];
    if (own && symbol && (role !== 'ignore' || isNone)) {
      symbols.set(own, symbol);
    }
  });
  return symbols;
}

/** What keeps instruments from being read: two of a name, none that is read, or bars without a close. */
export interface IWrongInstrument {
  kind: 'no-instrument' | 'same-symbol' | 'lacks-close';
  symbol: string;
}

export function wrongInstrument(mapping: IMapping, owners: Owners): IWrongInstrument | null {
  if (readInstruments(mapping).length === 0) {
    return { kind: 'no-instrument', symbol: '' };
  }
  const written = new Map<string, string>();
  for (const [own, symbol] of symbolsOf(mapping, owners)) {
    const name = symbol.trim();
    if (written.has(name)) {
      return { kind: 'same-symbol', symbol: name };
    }
    written.set(name, own);
  }
  const closing = new Set(mapping.columns.filter(own => own.role === 'close').map(own => own.symbol));
  const lacking = readInstruments(mapping).find(symbol => !closing.has(symbol));
  const isLacking = mapping.kind === 'bars' && closing.size > 0 && lacking !== undefined;
  return isLacking ? { kind: 'lacks-close', symbol: lacking } : null;
}

/** What a column of an instrument is taken for by the name of its field. */
function meaningOf(field: string): Pick<IMappedColumn, 'role' | 'name' | 'format'> {
  const role = ROLE_OF[field.trim().toLowerCase().replace(/[^a-z]+/g, '_')] ?? 'feature';
  return { role, name: role === 'feature' ? field : role, format: '' };
}

/** Say that each column has its own instrument, as its name says. */
export function byInstrument(mapping: IMapping, owners: Owners): IMapping {
  const seen = new Set<string>();
  const columns = mapping.columns.map((column, place) => {
    const [symbol, field] = owners[place] ?? ['', ''];
    const key = `${symbol}\u0000${field}`;
    if (symbol === '' || seen.has(key)) {
      return symbol === '' && field === '' ? column : { ...column, role: 'ignore', name: '', symbol: '' };
    }
    seen.add(key);
    return { ...column, ...meaningOf(field), symbol };
  });
  const isBars = columns.some(column => column.role === 'close');
  return { ...mapping, columns, symbol_from: 'columns', symbol: '', kind: isBars ? 'bars' : 'features' };
}

/** Say that all columns are of one instrument: then those that were of several are other series of it. */
export function ofOne(mapping: IMapping, from: 'fixed' | 'name'): IMapping {
  const columns = mapping.columns.map(column => {
    const isOwn = !!column.symbol && column.role !== 'ignore' && !OF_ALL.includes(column.role);
    const name = column.source.trim() || `column_${column.position + 1}`;
    return isOwn ? { ...column, symbol: '', role: 'feature', name } : { ...column, symbol: '' };
  });
  return { ...mapping, columns, symbol_from: from, kind: 'features' };
}

/** The columns of a file as those of one with the same fields were read; null if that cannot be. */
export function recalledColumns(found: IMapping, before: IMapping): IMappedColumn[] | null {
  const ours = fullest(found);
  const theirs = fullest(before);
  if (ours.length !== theirs.length) {
    return null;
  }
  const fields = new Map(ours.map((column, i) => [fieldOf(column), theirs[i]!]));
  const sources = new Map(before.columns.map(column => [column.source, column]));
  return found.columns.map(column => {
    const { position, source, symbol } = column;
    const own = sources.get(source);
    if (symbol && own && own.role === 'ignore' && !own.symbol) {
      return { ...column, role: 'ignore', name: '', symbol: '' }; // the same instrument, which was left out
    }
    const then = symbol ? fields.get(fieldOf(column)) : own;
    if (!then || (column.role === 'ignore' && symbol)) {
      return column;
    }
    const format = column.role === then.role && column.format !== '' ? column.format : then.format;
    return { ...then, position, source, symbol: symbol ? own?.symbol || symbol : '', format };
  });
}

function fullest(mapping: IMapping): IMappedColumn[] {
  const counts = new Map<string, number>();
  for (const { symbol } of mapping.columns) {
    if (symbol) {
      counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
  }
  const most = Math.max(0, ...counts.values());
  const own = [...counts].find(([, count]) => count === most)?.[0];
  return own === undefined ? [] : mapping.columns.filter(column => column.symbol === own);
}

function fieldOf({ source, symbol }: IMappedColumn): string {
  const own = symbol ?? '';
  const at = source.indexOf(own);
  return source.endsWith(own) ? source.slice(0, source.length - own.length) : at < 0 ? source : source.slice(at + own.length);
}

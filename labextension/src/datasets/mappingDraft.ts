/** The form of a file's mapping as it is kept while it is written. No DOM. */

import type { IInspected } from '../api/datasets.js';
import { IMappingForm, initialForm } from './mapping.js';

/** What is kept of the form while it is written: of its columns those that were changed, as an index has thousands. */
export function written({ mapping, about, answered }: IMappingForm, found: IInspected): unknown {
  const before = found.mapping.columns.map(column => JSON.stringify(column));
  const columns = mapping.columns.filter((column, place) => JSON.stringify(column) !== before[place]);
  return { mapping: { ...mapping, columns }, about, answered };
}

/** The form as it was kept while it was written, if it is still one of this file; else as it opens. */
export function keptForm(kept: unknown, found: IInspected, dataset: string): IMappingForm {
  const first = initialForm(found, dataset);
  const { mapping, about, answered } = (kept ?? {}) as Partial<IMappingForm>;
  const isOwn =
    Array.isArray(mapping?.columns) &&
    mapping.columns.every(column => column.source === found.mapping.columns[column.position]?.source) &&
    typeof about?.dataset === 'string' &&
    Array.isArray(answered);
  if (!isOwn) {
    return first;
  }
  const changed = new Map(mapping.columns.map(column => [column.position, column]));
  const columns = found.mapping.columns.map(column => changed.get(column.position) ?? column);
  // What only newer forms have is as it is in a new one.
  return { ...first, mapping: { ...first.mapping, ...mapping, columns }, about: { ...first.about, ...about }, answered };
}

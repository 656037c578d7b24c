/** What a form of a download asks the server for. No DOM. */

import type { FileFormat, IDownloadQuery } from '../api/datasets.js';

export interface IDownloadForm {
  format: FileFormat;
  /** None: all. */
  symbols: readonly string[];
  /** Dates or instants, or nothing. */
  start: string;
  end: string;
  escape: boolean;
}

export const FORMATS: readonly { name: FileFormat; title: string }[] = [
  { name: 'csv', title: 'CSV' },
  { name: 'parquet', title: 'Parquet' },
  { name: 'feather', title: 'Feather (Arrow)' },
  { name: 'jsonl', title: 'JSON lines' },
  { name: 'xlsx', title: 'Excel' }
];

export function queryOf(form: IDownloadForm, version: number | null): IDownloadQuery {
  return {
    format: form.format,
    ...(version === null ? {} : { version }),
    ...(form.symbols.length === 0 ? {} : { symbols: JSON.stringify(form.symbols) }),
    ...(form.start ? { start: form.start } : {}),
    ...(form.end ? { end: form.end } : {}),
    ...(form.escape && form.format === 'csv' ? { escape_formulas: true } : {})
  };
}

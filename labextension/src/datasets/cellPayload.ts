/** What a cell says of a dataset's chart: which dataset of the server's, and which part of it. No DOM. */

export const DATASET_MIME = 'application/vnd.alphintra.dataset.v1+json';

export interface IDatasetPayload {
  /** Its name, or its id. */
  dataset: string;
  /** `null` for what ships. */
  version: number | null;
  /** Another dataset may have the name by now. */
  version_id: string | null;
  symbols: string[];
  start: string | null;
  end: string | null;
  column: string | null;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 300;
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

/** Read what a notebook holds: anything may be in a notebook. `null` where it is no dataset. */
export function payloadOf(value: unknown): IDatasetPayload | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  const { dataset, version, version_id, symbols, start, end, column } = value as Partial<IDatasetPayload>;
  const isNumbered = version === null || (Number.isInteger(version) && (version as number) > 0);
  return isText(dataset) &&
    dataset !== '' &&
    isNumbered &&
    isTextOrNull(version_id) &&
    Array.isArray(symbols) &&
    symbols.length > 0 &&
    symbols.every(isText) &&
    isTextOrNull(start) &&
    isTextOrNull(end) &&
    isTextOrNull(column)
    ? { dataset, version: version as number | null, version_id, symbols, start, end, column }
    : null;
}

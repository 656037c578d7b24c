/** What the kernel says of a strategy that raised. */

export const FAILURE_MIME = 'application/vnd.alphintra.failure+json';

/** The version of the payload that this view understands. */
export const FAILURE_VERSION = 1;

export interface IFailure {
  version: number;
  message: string;
  /** The cell as its traceback calls it, or the file. */
  place: string;
  line: number;
  /** Numbers and texts of the line and those around it. */
  source: [number, string][];
  bar: number;
  /** Close time of the bar; `null` before the first one. */
  bar_time: string | null;
  /** Whether the kernel can stand at the bar. */
  stands: boolean;
}

/** A failure that can be shown; `null` where the value is none. */
export function failureOf(value: unknown): IFailure | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  const found = value as Partial<IFailure>;
  const drawable =
    typeof found.version === 'number' &&
    found.version <= FAILURE_VERSION &&
    typeof found.message === 'string' &&
    typeof found.place === 'string' &&
    typeof found.line === 'number' &&
    Array.isArray(found.source) &&
    found.source.every(row => Array.isArray(row) && row.length === 2);
  return drawable ? (found as IFailure) : null;
}

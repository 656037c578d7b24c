/** Asking for a comparison, and what to do about one that cannot be had. */

import { ApiError } from '../api/problem.js';
import type { IComparison } from '../api/types.js';

/** Where comparisons are asked for. */
export interface IComparer {
  compare(ids: readonly string[]): Promise<IComparison>;
}

/** Who is told to wait longer is told so at once. */
const LONGEST_WAIT_S = 30;

function pause(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000));
}

/**
 * Compare runs; where the server cannot just now and says when to ask again, it is asked once more by itself.
 *
 * @param isWanted whether somebody still waits for it
 * @param onWait is told how many seconds it waits, and what the server said
 */
export async function compared(
  source: IComparer,
  ids: readonly string[],
  isWanted: () => boolean = () => true,
  onWait: (seconds: number, error: ApiError) => void = () => undefined
): Promise<IComparison> {
  try {
    return await source.compare(ids);
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.status !== 503) {
      throw error;
    }
    const seconds = error.problem.retryAfter;
    if (seconds === undefined || seconds > LONGEST_WAIT_S) {
      throw error;
    }
    onWait(seconds, error);
    await pause(seconds);
    if (!isWanted()) {
      throw error;
    }
    return source.compare(ids);
  }
}

/** Whether it is the chosen runs that cannot be compared, so that others may be; else the server could not. */
export function isAboutRuns(error: unknown): boolean {
  return error instanceof ApiError && [404, 409, 410, 422].includes(error.problem.status);
}

/** Which of the datasets that were made of another go with it. No DOM. */

import { ApiError } from '../api/problem.js';
import type { IDerived } from '../api/problem.js';

/** What goes along, and what stays: nothing is chosen for the user. */
export type Fate = 'also' | 'keep';

/** What was made of a dataset and has to be decided, where that is why it was not deleted. */
export function undecided(error: unknown): IDerived[] | null {
  return error instanceof ApiError && error.problem.code === 'DATASET_HAS_DERIVED'
    ? (error.problem.derived ?? null)
    : null;
}

/** What is asked of the server: the ids by their fate. */
export function decided(fates: ReadonlyMap<string, Fate>): Record<Fate, string[]> {
  const of = (fate: Fate): string[] => [...fates].filter(([, own]) => own === fate).map(([id]) => id);
  return { also: of('also'), keep: of('keep') };
}

/**
 * What has to be decided after another answer: what was shown, and what the server has named now. What goes along can
 * have others that were made of it; what was decided stays decided.
 */
export function withMore(shown: readonly IDerived[], more: readonly IDerived[]): IDerived[] {
  const known = new Set(shown.map(item => item.dataset_id));
  return [...shown, ...more.filter(item => !known.has(item.dataset_id))];
}

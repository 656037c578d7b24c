/** Whether a run of the server can be replayed from its record. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBacktest } from '../api/types.js';

/** Methods whose record says what one run of theirs is made of. */
const PLAIN = new Set(['STANDARD', 'MONTE_CARLO']);

/** Why a run that failed cannot be replayed; `null` where it can. */
export function whyNotReplayed(run: IBacktest, trans: TranslationBundle): string | null {
  return PLAIN.has(run.methodology ?? 'STANDARD')
    ? null
    : trans.__('This job made many runs, and its record does not say which one failed. Run that one alone.');
}

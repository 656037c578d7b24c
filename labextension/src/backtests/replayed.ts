/** Whether a run of the server can be replayed from its record. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBacktest, IFailedRun } from '../api/types.js';
import { parameterText } from '../result/parameter.js';

/** Methods whose record says what one run of theirs is made of. */
const PLAIN = new Set(['STANDARD', 'MONTE_CARLO']);

/** Why a run that failed cannot be replayed; `null` where it can. */
export function whyNotReplayed(run: IBacktest, trans: TranslationBundle): string | null {
  return PLAIN.has(run.methodology ?? 'STANDARD') || run.error?.run
    ? null
    : trans.__('This job made many runs, and its record does not say which one failed. Run that one alone.');
}

/** The one run that failed as a run by itself: what it was asked with. */
export function failedRun(run: IBacktest): IBacktest {
  const failed = run.error?.run;
  return failed
    ? {
        ...run,
        parameters: { ...run.parameters, ...failed.parameters },
        start_date: failed.start ?? run.start_date,
        end_date: failed.end ?? run.end_date
      }
    : run;
}

/** Which of many runs failed, in words; `null` where there was one. */
export function whichRun(
  failed: IFailedRun | null | undefined,
  trans: TranslationBundle
): string | null {
  if (!failed) {
    return null;
  }
  const values = Object.entries(failed.parameters)
    .map(([name, value]) => `${name} ${parameterText(value)}`)
    .join(', ');
  if (failed.window === null) {
    return trans.__('in the run of %1', values);
  }
  return failed.part === 'training'
    ? trans.__('in the training of window %1 (%2 to %3) with %4', failed.window, failed.start, failed.end, values)
    : trans.__('in the test of window %1 (%2 to %3) with %4', failed.window, failed.start, failed.end, values);
}

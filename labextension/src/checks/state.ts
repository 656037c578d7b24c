/** What a trader wants to know of checks at a glance, from what the server keeps. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { CheckTrigger, ICheckRun, IChecks } from '../api/types.js';
import { isFinished } from '../jobs/state.js';

export type CheckState =
  /** None were set. */
  | 'unset'
  /** Set, and never run. */
  | 'new'
  | 'running'
  | 'passed'
  | 'failed'
  | 'stopped';

export function stateOfRun(run: ICheckRun): CheckState {
  if (!isFinished(run)) {
    return 'running';
  }
  return run.passed === null ? 'stopped' : run.passed ? 'passed' : 'failed';
}

export function stateOf(checks: IChecks): CheckState {
  if (checks.last_run !== null) {
    return stateOfRun(checks.last_run);
  }
  return checks.configured ? 'new' : 'unset';
}

export const STATE_MARKS: Record<CheckState, string> = {
  unset: '\u2013',
  new: '\u25cb',
  running: '\u2026',
  passed: '\u2713',
  failed: '\u2715',
  stopped: '\u25a1'
};

/** The state in words; of a failed run, how many of its checks. */
export function stateText(
  state: CheckState,
  run: ICheckRun | null,
  trans: TranslationBundle
): string {
  switch (state) {
    case 'unset':
      return trans.__('no checks');
    case 'new':
      return trans.__('not run yet');
    case 'running':
      return run?.status.toUpperCase() === 'PENDING' ? trans.__('waiting') : trans.__('running');
    case 'stopped':
      return trans.__('stopped');
    case 'passed':
      return run === null || run.results.length === 0
        ? trans.__('passed')
        : trans._n('%1 passed', 'all %1 passed', run.results.length, run.results.length);
    case 'failed': {
      const failed = run?.results.filter(item => !item.passed).length ?? 0;
      return failed === 0
        ? trans.__('could not run')
        : trans.__('%1 of %2 failed', failed, run!.results.length);
    }
  }
}

/** Why a run was made. */
export function triggerText(trigger: CheckTrigger, trans: TranslationBundle): string {
  return (
    {
      SAVE: trans.__('after a save'),
      DATASET: trans.__('new data'),
      SCHEDULE: trans.__('on schedule'),
      MANUAL: trans.__('by hand')
    }[trigger] ?? String(trigger).toLowerCase()
  );
}

/**
 * Says that a job has ended: once, and only where nobody would have noticed.
 *
 * A short job that this tab started shows its end where it was started. One that was stopped was stopped by
 * somebody. And a hundred that end together are one message, not a hundred.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IJob } from '../api/types.js';
import { duration } from '../result/format.js';
import { stateOf } from './state.js';
import { nameOf } from './words.js';

/** What is shown, however it is. */
export interface IAnnouncement {
  type: 'success' | 'error';
  message: string;
  /** Milliseconds until it goes away by itself; `false`: it stays. */
  autoClose: number | false;
  /** What its button opens: a job, or the list of all. */
  opens: IJob | null;
}

export interface IAnnouncerOptions {
  trans: TranslationBundle;
  /** Show something new; gives its id. */
  show: (what: IAnnouncement) => string;
  /** Replace what is shown; false if it is gone. */
  replace: (id: string, what: IAnnouncement) => boolean;
  now?: () => number;
}

/** A job that ran less long, in seconds, and was started here, is not told of. */
const NOTICED = 1;
/** Kinds of jobs whose good end is followed by another job, which tells more. */
const STEPS: readonly string[] = ['fetch'];
/** As many ends within the time, in milliseconds, are told one by one; more are counted. */
const SINGLE = 3;
const BURST_MS = 5_000;

export class Announcer {
  constructor(private readonly _options: IAnnouncerOptions) {}

  /** The job that works on `resource` was started by this tab. */
  startedHere(resource: string): void {
    this._here.add(resource);
  }

  /** Somebody else tells of the end of a job, by what it works on or by its own id. */
  leave(what: string): void {
    const held = this._held.findIndex(job => job.resource_id === what || job.id === what);
    if (held >= 0) {
      this._held.splice(held, 1);
    } else {
      this._left.add(what);
    }
  }

  /** Only a failure of what works on `resource` is told of: it is one step of what nobody waits for. */
  quiet(resource: string): void {
    this._quiet.add(resource);
  }

  /** Who was to tell of the end of a job is no longer there. */
  takeBack(what: string): void {
    this._left.delete(what);
  }

  /**
   * Wait with all announcements until the given function is called: something is being started here, and may
   * end before its id is known.
   */
  hold(): () => void {
    this._holds += 1;
    let isOver = false;
    return () => {
      if (!isOver) {
        isOver = true;
        this._holds -= 1;
        if (this._holds === 0) {
          const held = this._held;
          this._held = [];
          held.forEach(job => this.ended(job));
        }
      }
    };
  }

  /** Take in that a job has ended. */
  ended(job: IJob): void {
    if (this._left.delete(job.resource_id) || this._left.delete(job.id)) {
      return;
    }
    if (this._holds > 0) {
      this._held.push(job);
      return;
    }
    const state = stateOf(job);
    if (state === 'stopped' || (state === 'finished' && this._isUnremarkable(job))) {
      return;
    }
    this._announce(job, state === 'failed');
  }

  private _isUnremarkable(job: IJob): boolean {
    return (
      STEPS.includes(job.kind) ||
      this._quiet.has(job.resource_id) ||
      (this._here.delete(job.resource_id) && (job.run_seconds ?? 0) < NOTICED)
    );
  }

  private _announce(job: IJob, failed: boolean): void {
    const now = (this._options.now ?? Date.now)();
    if (now - this._burstAt > BURST_MS) {
      this._counts = { finished: 0, failed: 0 };
      this._summary = null;
    }
    this._burstAt = now;
    this._counts[failed ? 'failed' : 'finished'] += 1;
    const { finished, failed: bad } = this._counts;
    if (finished + bad <= SINGLE) {
      this._options.show(this._single(job, failed));
      return;
    }
    const summary = this._several(finished, bad);
    if (this._summary === null || !this._options.replace(this._summary, summary)) {
      this._summary = this._options.show(summary);
    }
  }

  private _single(job: IJob, failed: boolean): IAnnouncement {
    const { trans } = this._options;
    const name = nameOf(job, trans);
    if (failed) {
      return {
        type: 'error',
        message: trans.__('%1 failed. %2', name, job.error?.message ?? ''),
        autoClose: false,
        opens: job
      };
    }
    return {
      type: 'success',
      message:
        job.run_seconds === null
          ? trans.__('%1 finished', name)
          : trans.__('%1 finished in %2', name, duration(job.run_seconds)),
      autoClose: 8_000,
      opens: job
    };
  }

  private _several(finished: number, failed: number): IAnnouncement {
    const { trans } = this._options;
    const parts = [
      finished > 0
        ? trans._n('%1 job has finished', '%1 jobs have finished', finished, finished)
        : null,
      failed > 0 ? trans._n('%1 has failed', '%1 have failed', failed, failed) : null
    ];
    return {
      type: failed > 0 ? 'error' : 'success',
      message: parts.filter(Boolean).join(', '),
      autoClose: 8_000,
      opens: null
    };
  }

  private _here = new Set<string>();
  private _left = new Set<string>();
  private _quiet = new Set<string>();
  private _holds = 0;
  private _held: IJob[] = [];
  private _burstAt = -Infinity;
  private _counts = { finished: 0, failed: 0 };
  private _summary: string | null = null;
}

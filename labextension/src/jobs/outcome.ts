/** What comes of one job that a page starts: begun, followed to its end, and read when it has ended. No DOM. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IJob } from '../api/types.js';
import { isFinished } from './state.js';

/** What the server says of it, whatever the job was. */
export interface IOutcome {
  status: string;
  error: { code?: string; message?: string; step?: number | null } | null;
}

/** What following a job takes. */
export interface IFollowed {
  active: { readonly ended: ISignal<unknown, IJob>; readSoon(): void };
  stale: ISignal<unknown, void>;
  announcer: { hold(): () => void; leave(what: string): void; takeBack(what: string): void };
}

export class Outcome<T extends IOutcome> {
  /**
   * Args:
   *   jobs: Where the ends of jobs are told.
   *   read: Reads what the server says of a job.
   */
  constructor(
    private readonly _jobs: IFollowed,
    private readonly _read: (jobId: string) => Promise<T>
  ) {
    _jobs.active.ended.connect(this._onEnded, this);
    _jobs.stale.connect(this._look, this);
  }

  /** Emits after anything of it changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The job; `null` before one was started. */
  get jobId(): string | null {
    return this._jobId;
  }

  /** Whether it is being started, waits or runs. */
  get isBusy(): boolean {
    return this._isStarting || (this._jobId !== null && (this._answer === null || !isFinished(this._answer)));
  }

  /** What was said of it last. */
  get answer(): T | null {
    return this._answer;
  }

  /** Why it could not be started, or read. */
  get error(): unknown {
    return this._error;
  }

  /** Start one; the page tells of its end, so that nothing else does. Resolves when the server has taken it, or not. */
  async start(begin: () => Promise<{ job_id: string }>): Promise<void> {
    this._isStarting = true;
    this._jobId = null;
    this._answer = null;
    this._error = null;
    this._changed.emit();
    const release = this._jobs.announcer.hold();
    try {
      const { job_id: jobId } = await begin();
      this._jobId = jobId;
      this._jobs.announcer.leave(jobId);
      this._jobs.active.readSoon();
    } catch (error) {
      this._error = error;
    } finally {
      this._isStarting = false;
      release();
    }
    this._changed.emit();
    await this._look();
  }

  /** Forget what came of it. */
  clear(): void {
    this._call += 1;
    this._jobId = null;
    this._answer = null;
    this._error = null;
    this._changed.emit();
  }

  /** Follow it no more: who closes the page before it has ended is told of its end. */
  dispose(): void {
    if (this._jobId !== null && this.isBusy) {
      this._jobs.announcer.takeBack(this._jobId);
    }
    this._call += 1;
    Signal.clearData(this);
  }

  private _onEnded(_: unknown, job: IJob): void {
    if (job.id === this._jobId) {
      void this._look();
    }
  }

  /** Read where it stands, until it has ended; of several answers the last one counts. */
  private async _look(): Promise<void> {
    const jobId = this._jobId;
    if (jobId === null || (this._answer !== null && isFinished(this._answer))) {
      return;
    }
    const call = ++this._call;
    try {
      const answer = await this._read(jobId);
      if (call === this._call) {
        this._answer = answer;
        this._error = null;
        this._changed.emit();
      }
    } catch (error) {
      if (call === this._call) {
        this._error = error;
        this._changed.emit();
      }
    }
  }

  private _jobId: string | null = null;
  private _answer: T | null = null;
  private _error: unknown = null;
  private _isStarting = false;
  private _call = 0;
  private _changed = new Signal<this, void>(this);
}

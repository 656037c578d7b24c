/** Where a job stands, from what the server keeps and what its events say; no DOM. */

import type { IJob, IJobEvent, IProgress, IUsage } from '../api/types.js';

/** The states that a trader tells apart. */
export type JobState =
  /** Made, and not put into the queue. */
  | 'created'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'finished'
  | 'failed'
  | 'stopped';

const FINISHED = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);

/** Whether something has come to its end, whatever that was. */
export function isFinished(job: { status: string }): boolean {
  return FINISHED.has(job.status.toUpperCase());
}

/** The state of whatever is run by a job: status and phase are the same for all kinds. */
export function stateOf(job: { status: string; phase?: string | null }): JobState {
  const status = job.status.toUpperCase();
  switch (status) {
    case 'COMPLETED':
      return 'finished';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return 'stopped';
    default:
  }
  const phase = (job.phase ?? '').toLowerCase();
  if (phase === 'cancelling') {
    return 'stopping';
  }
  if (status === 'RUNNING') {
    return phase === 'starting' ? 'starting' : 'running';
  }
  return phase === 'created' ? 'created' : 'waiting';
}

/** Whether it is in the queue or runs. */
export function isActive(job: { status: string; phase?: string | null }): boolean {
  return !isFinished(job) && stateOf(job) !== 'created';
}

const USAGE: readonly (keyof IUsage)[] = [
  'queue_seconds',
  'run_seconds',
  'cpu_seconds',
  'peak_memory_bytes',
  'bytes_written'
];

/** A job after an event; figures that the event does not carry stay. */
export function withEvent(job: IJob, event: IJobEvent): IJob {
  const state = stateOf(event);
  const next: IJob = {
    ...job,
    name: event.name ?? job.name,
    status: event.status,
    phase: event.phase,
    progress: event.progress ?? (state === 'waiting' ? null : job.progress),
    attempt: event.attempt ?? job.attempt,
    position: state === 'waiting' ? job.position : null,
    started_at:
      job.started_at ??
      (state === 'starting' || state === 'running' ? event.updated_at : null),
    finished_at: isFinished(event) ? event.updated_at : null
  };
  for (const name of USAGE) {
    next[name] = event[name] ?? job[name];
  }
  if (state === 'failed') {
    next.error = job.error ?? { code: '', message: event.message ?? '' };
  }
  return next;
}

/** What runs before what waits; what waits by its place in the queue. */
export function byTurn(a: IJob, b: IJob): number {
  const waits = (job: IJob): number => Number(stateOf(job) === 'waiting');
  return (
    waits(a) - waits(b) ||
    (a.position ?? Infinity) - (b.position ?? Infinity) ||
    a.created_at.localeCompare(b.created_at) ||
    a.id.localeCompare(b.id)
  );
}

/** How far it is, 0 to 1; `null` where that cannot be said. */
export function fractionOf(progress: IProgress | number | null | undefined): number | null {
  const share =
    typeof progress === 'number'
      ? progress > 1
        ? progress / 100
        : progress
      : (progress?.fraction ?? null);
  return share === null ? null : Math.min(1, Math.max(0, share));
}

/** Jobs in a trader's words: what it is doing, how long it takes, what it has used. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IJob, IProgress, IUsage } from '../api/types.js';
import { THIN, UNDEFINED, duration, fixed, grouped } from '../result/format.js';
import { JobState, fractionOf, stateOf } from './state.js';

export function stateText(state: JobState, trans: TranslationBundle): string {
  return {
    created: trans.__('not started'),
    waiting: trans.__('waiting'),
    starting: trans.__('starting'),
    running: trans.__('running'),
    stopping: trans.__('stopping'),
    finished: trans.__('finished'),
    failed: trans.__('failed'),
    stopped: trans.__('stopped')
  }[state];
}

/** A mark for each state: it is never told by colour alone. */
export const STATE_MARKS: Record<JobState, string> = {
  created: '\u00b7',
  waiting: '\u25cb',
  starting: '\u25d4',
  running: '\u25d1',
  stopping: '\u25d1',
  finished: '\u2713',
  failed: '\u2715',
  stopped: '\u25a1'
};

export function kindText(kind: string, trans: TranslationBundle): string {
  return (
    {
      backtest: trans.__('Backtest'),
      check: trans.__('Checks'),
      fetch: trans.__('Fetch'),
      inspect: trans.__('First look'),
      ingest: trans.__('Import'),
      validate: trans.__('Validation'),
      process: trans.__('Recipe'),
      preview: trans.__('Preview of a recipe'),
      compare: trans.__('Comparison'),
      training: trans.__('Training'),
      paper: trans.__('Paper trading')
    }[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll('_', ' ')
  );
}

/** An estimate as one would say it; coarser the longer it is, so that it does not flicker. */
export function etaText(seconds: number, trans: TranslationBundle): string {
  if (seconds < 2) {
    return trans.__('almost done');
  }
  if (seconds < 10) {
    return trans.__('a few seconds left');
  }
  if (seconds < 55) {
    const shown = seconds < 30 ? Math.ceil(seconds / 5) * 5 : Math.ceil(seconds / 10) * 10;
    return trans.__('about %1 s left', shown);
  }
  if (seconds < 55 * 60) {
    return trans.__('about %1 min left', Math.max(1, Math.round(seconds / 60)));
  }
  if (seconds < 36 * 3600) {
    return trans.__('about %1 h left', Math.max(1, Math.round(seconds / 3600)));
  }
  return trans.__('about %1 d left', Math.round(seconds / 86_400));
}

/** The place in the queue; `null` where it is not known. */
export function placeText(
  position: number | null | undefined,
  trans: TranslationBundle
): string | null {
  if (position === null || position === undefined || position < 1) {
    return null;
  }
  return position === 1
    ? trans.__('next in the queue')
    : trans._n('%1 job ahead', '%1 jobs ahead', position - 1, position - 1);
}

/** What progress is told of: a job, or a run with its job. */
export interface IAdvancing {
  status: string;
  phase: string | null;
  progress: IProgress | number | null;
  position?: number | null;
}

/** A fraction in whole percent, never 100 before the end. */
export function percentText(fraction: number): string {
  return `${Math.min(99, Math.floor(fraction * 100))}${THIN}%`;
}

/** What a running job is at, where that is more than running; a share of the whole says nothing of these. */
function stepText(phase: string | null, trans: TranslationBundle): string | null {
  switch ((phase ?? '').toLowerCase()) {
    case 'loading':
      return trans.__('loading code and data');
    case 'writing':
      return trans.__('writing the result');
    default:
      return null;
  }
}

/** What it is doing and how far it is: `running`, `64 %`, `2015-03-02`; or its place in the queue. */
export function doingParts(job: IAdvancing, trans: TranslationBundle): string[] {
  const state = stateOf(job);
  const progress = typeof job.progress === 'number' ? null : job.progress;
  if (state === 'waiting') {
    return [stateText(state, trans), placeText(job.position, trans)].filter(isText);
  }
  if (state !== 'running') {
    return [stateText(state, trans)];
  }
  const step = stepText(progress?.phase ?? job.phase, trans);
  if (step !== null) {
    return [step];
  }
  const fraction = fractionOf(job.progress);
  if (progress?.text) {
    // What a method is at says that it runs.
    return [grouped(progress.text), progress.bar_time?.slice(0, 10)].filter(isText);
  }
  const checking = (progress?.phase ?? '').toLowerCase() === 'checking';
  return [
    // The run is made again on less data, so that reading the future shows.
    checking ? trans.__('checking for look-ahead') : stateText(state, trans),
    fraction === null ? null : percentText(fraction),
    progress?.bar_time?.slice(0, 10)
  ].filter(isText);
}

/** How long it will still take; `null` where there is no telling. */
export function leftText(job: IAdvancing, trans: TranslationBundle): string | null {
  const eta = typeof job.progress === 'number' ? null : (job.progress?.eta_seconds ?? null);
  return eta === null || stateOf(job) !== 'running' ? null : etaText(eta, trans);
}

function isText(part: string | null | undefined): part is string {
  return part !== null && part !== undefined && part !== '';
}

/** Bytes with three significant digits: `412 kB`, `1.21 GB`; units are powers of 1000. */
export function bytesText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) {
    return UNDEFINED;
  }
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const decimals = unit === 0 ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return `${fixed(size, decimals)}${THIN}${units[unit]}`;
}

export function secondsText(seconds: number | null | undefined): string {
  return seconds === null || seconds === undefined || !Number.isFinite(seconds)
    ? UNDEFINED
    : duration(Math.max(0, seconds));
}

/** One figure of a job's metering. */
export interface IMeter {
  name: keyof IUsage;
  label: string;
  /** What it is, for the hover. */
  definition: string;
  text: string;
  value: number | null;
}

export function meters(usage: IUsage, trans: TranslationBundle): IMeter[] {
  const seconds = (
    name: 'queue_seconds' | 'run_seconds' | 'cpu_seconds',
    label: string,
    definition: string
  ): IMeter => ({ name, label, definition, value: usage[name], text: secondsText(usage[name]) });
  const bytes = (
    name: 'peak_memory_bytes' | 'bytes_written',
    label: string,
    definition: string
  ): IMeter => ({ name, label, definition, value: usage[name], text: bytesText(usage[name]) });
  return [
    seconds(
      'queue_seconds',
      trans.__('Queued'),
      trans.__('Queue time: from being put into the queue to the start of its last attempt.')
    ),
    seconds(
      'run_seconds',
      trans.__('Ran'),
      trans.__('Run time: from the start of its last attempt to its end, on the clock.')
    ),
    seconds(
      'cpu_seconds',
      trans.__('CPU'),
      trans.__(
        'CPU time of all its processes, user and system. More than the run time: it used several cores.'
      )
    ),
    bytes(
      'peak_memory_bytes',
      trans.__('Peak memory'),
      trans.__('The most memory that its processes held at one time, temporary files in memory included.')
    ),
    bytes(
      'bytes_written',
      trans.__('Written'),
      trans.__('Bytes that its processes wrote to files: results, caches, temporary files.')
    )
  ];
}

/** What stopping all means, before it is done. */
export function stopAllText(count: number, trans: TranslationBundle): string {
  return trans._n(
    'One job is stopped; what it has done so far is lost.',
    'All %1 jobs are stopped; what they have done so far is lost.',
    count,
    count
  );
}

/** A name for a job that has none. */
export function nameOf(job: Pick<IJob, 'name' | 'kind' | 'id'>, trans: TranslationBundle): string {
  return job.name || trans.__('%1 %2', kindText(job.kind, trans), job.id.slice(0, 8));
}

/** Its name for narrow places: of `name/SYMBOL` the symbol says more than the set. */
export function shortName(job: Pick<IJob, 'name' | 'kind' | 'id'>, trans: TranslationBundle): string {
  return nameOf(job, trans).replace(/ on (?:\S+\/)?(\S+)$/, ' \u00b7 $1');
}

/** How far it is in few words: what a bar shows already is left out, and so is the market time. */
export function briefParts(job: IAdvancing, trans: TranslationBundle): string[] {
  const time = typeof job.progress === 'number' ? null : job.progress?.bar_time;
  const parts = doingParts(job, trans).filter(part => part !== time?.slice(0, 10));
  return parts.length > 1 && stateOf(job) === 'running' ? parts.slice(1) : parts;
}

/** What to do about an end that was not the code's own; `null` where the message says all. */
export function adviceFor(code: string, trans: TranslationBundle): string | null {
  switch (code) {
    case 'MEMORY_LIMIT':
      return trans.__(
        'Run it on fewer symbols or a shorter period, record fewer series, or have the limit raised (job_memory).'
      );
    case 'TIME_LIMIT':
      return trans.__(
        'Run it on a shorter period or fewer variants, or have the limit raised (job_seconds).'
      );
    case 'DISK_LIMIT':
      return trans.__('Write less to files; what a job writes is thrown away with it, but for its result.');
    case 'OUTPUT_LIMIT':
      return trans.__('Print less, or record fewer series: what a job hands back has a bound.');
    case 'LOST':
      return trans.__('Run it again. If it is lost once more, the log of the server says why it stopped.');
    case 'WORKER_DIED':
      return trans.__(
        'Run it again. If it ends like this every time, the strategy ends its own process: look for sys.exit, os._exit or a crash in compiled code.'
      );
    case 'NO_SANDBOX':
      return trans.__('The sandbox could not be started; the log of the server says what was missing.');
    case 'PROTOCOL':
    case 'BAD_OUTPUT':
      return trans.__(
        'The strategy disturbed what its worker says to the server. It must not write to descriptors that it did not open.'
      );
    default:
      return null;
  }
}

/** What a job's code printed: the last of it, with a word on what is not kept. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { describe } from '../api/problem.js';
import type { IJob, IJobLog } from '../api/types.js';
import { fixed } from '../result/format.js';
import { isFinished } from './state.js';

interface IProps {
  job: IJob;
  read: (id: string) => Promise<IJobLog>;
  trans: TranslationBundle;
}

/** As many lines as the server keeps. */
const KEPT = 200;
/** While a job runs, its log is read anew at most this often, in milliseconds. */
const READ_MS = 2_000;

export function JobLog({ job, read, trans }: IProps): JSX.Element {
  const [log, setLog] = React.useState<IJobLog | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [attempt, setAttempt] = React.useState(0);
  const readAt = React.useRef(0);
  const box = React.useRef<HTMLPreElement>(null);
  const done = isFinished(job);

  React.useEffect(() => {
    let gone = false;
    const timer = window.setTimeout(
      () => {
        readAt.current = Date.now();
        read(job.id).then(
          found => {
            if (!gone) {
              setLog(found);
              setError(null);
            }
          },
          (reason: unknown) => {
            if (!gone) {
              setError(reason);
            }
          }
        );
      },
      Math.max(0, readAt.current + READ_MS - Date.now())
    );
    return () => {
      gone = true;
      window.clearTimeout(timer);
    };
    // Its progress tells that it has done something, and so may have printed.
  }, [job.id, job.attempt, done, done ? null : job.progress, attempt]);

  // Who reads the end wants to see what is added to it.
  const atEnd = React.useRef(true);
  React.useLayoutEffect(() => {
    if (box.current && atEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [log]);

  const lines = log?.lines ?? [];
  return (
    <section className="alphintra-JobLog" aria-label={trans.__('Log')}>
      <h3>
        {trans.__('Log')}
        <span className="alphintra-muted">
          {log === null || lines.length === 0
            ? ''
            : lines.length >= KEPT
              ? trans.__('the last %1 lines are kept', fixed(lines.length, 0))
              : trans._n('%1 line', '%1 lines', lines.length, lines.length)}
        </span>
      </h3>
      {error !== null ? (
        <p className="alphintra-Problem" role="alert">
          {trans.__('The log could not be read. %1', describe(error).text)}{' '}
          <button type="button" className="alphintra-Button" onClick={() => setAttempt(attempt + 1)}>
            {trans.__('Try again')}
          </button>
        </p>
      ) : log === null ? (
        <div className="alphintra-Skeleton" style={{ height: 48 }} aria-busy="true" />
      ) : lines.length === 0 ? (
        <p className="alphintra-muted">
          {done
            ? trans.__('It printed nothing. What a strategy prints is kept here.')
            : trans.__('It has printed nothing so far.')}
        </p>
      ) : (
        <pre
          ref={box}
          className="alphintra-Traceback"
          tabIndex={0}
          aria-label={trans.__('Lines of the log')}
          onScroll={event => {
            const node = event.currentTarget;
            atEnd.current = node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
          }}
        >
          {lines.join('\n')}
        </pre>
      )}
    </section>
  );
}

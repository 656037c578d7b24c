/** The job behind a run: what it has used, live while it runs and from its record afterwards. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IBacktest, IJob } from '../api/types.js';
import { Metering } from '../jobs/metering.js';
import { isFinished } from '../jobs/state.js';
import type { IJobs } from '../tokens.js';

/** The job of a run; `null` until it is known. */
export function useJob(
  client: { job(id: string): Promise<IJob> },
  jobs: IJobs,
  run: IBacktest | null
): IJob | null {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  const [record, setRecord] = React.useState<IJob | null>(null);
  React.useEffect(() => {
    jobs.active.changed.connect(redraw);
    jobs.connection.changed.connect(redraw);
    return () => {
      jobs.active.changed.disconnect(redraw);
      jobs.connection.changed.disconnect(redraw);
    };
  }, [jobs]);
  const id = run?.job_id;
  const done = run !== null && isFinished(run);
  React.useEffect(() => {
    let gone = false;
    if (id && done) {
      client.job(id).then(
        found => {
          if (!gone) {
            setRecord(found);
          }
        },
        // The result is what counts: without the figures it is shown all the same.
        (reason: unknown) => console.warn(`Job ${id} could not be read.`, reason)
      );
    }
    return () => {
      gone = true;
    };
  }, [client, id, done]);
  return record ?? jobs.active.find(id) ?? (run === null ? null : (jobs.active.findFor(run.id) ?? null));
}

export function JobFigures(props: {
  job: IJob | null;
  jobs: IJobs;
  trans: TranslationBundle;
}): JSX.Element {
  const { job, jobs, trans } = props;
  return (
    <Metering
      usage={
        job ?? {
          queue_seconds: null,
          run_seconds: null,
          cpu_seconds: null,
          peak_memory_bytes: null,
          bytes_written: null
        }
      }
      attempt={job?.attempt ?? 0}
      level={job?.sandbox_level ?? null}
      levelDescription={jobs.system.levelDescription(job?.sandbox_level ?? null)}
      trans={trans}
    />
  );
}

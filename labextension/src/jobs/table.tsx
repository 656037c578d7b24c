/** The table of jobs: sorted by any column, walked by keyboard. Only the rows in view are drawn. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IJob } from '../api/types.js';
import { rowAt } from '../lists/keys.js';
import { SortHead, orderOf } from '../lists/sortHead.js';
import { UNDEFINED } from '../result/format.js';
import { IJobSort, SortKey, nextJobSort } from './list.js';
import { Bar } from './progress.js';
import { isFinished, stateOf } from './state.js';
import {
  STATE_MARKS,
  briefParts,
  bytesText,
  doingParts,
  kindText,
  leftText,
  meters,
  nameOf,
  secondsText,
  shortName
} from './words.js';

interface IProps {
  jobs: readonly IJob[];
  sort: IJobSort | null;
  selected: string | null;
  stale: boolean;
  trans: TranslationBundle;
  onSort: (sort: IJobSort | null) => void;
  onSelect: (job: IJob) => void;
  onOpen: (job: IJob) => void;
  onStop: (job: IJob) => void;
}

/** Heights in pixels, the same as in the style sheet. */
const ROW = 32;
const HEADER = 30;
/** Rows beyond the view that are drawn, so that scrolling shows no blank. */
const MARGIN = 8;

interface IColumn {
  key: SortKey;
  label: string;
  definition?: string;
  left?: boolean;
}

function columns(trans: TranslationBundle): IColumn[] {
  const nothing = {
    queue_seconds: null,
    run_seconds: null,
    cpu_seconds: null,
    peak_memory_bytes: null,
    bytes_written: null
  };
  return [
    { key: 'name', label: trans.__('Name'), left: true },
    { key: 'state', label: trans.__('State'), left: true },
    { key: 'kind', label: trans.__('Kind'), left: true },
    {
      key: 'started',
      label: trans.__('Started, UTC'),
      definition: trans.__('When its last attempt started; of one that waits, when it was made.')
    },
    ...meters(nothing, trans).map(meter => ({
      key: meter.name,
      label: meter.label,
      definition: meter.definition
    })),
    {
      key: 'attempt' as const,
      label: trans.__('Attempt'),
      definition: trans.__('A job whose server was lost is run again, three times at most.')
    },
    {
      key: 'sandbox_level' as const,
      label: trans.__('Sandbox'),
      definition: trans.__('How its process was kept from everything else on the machine.'),
      left: true
    }
  ];
}

/** Date and time of day, UTC, to the second. */
export function moment(text: string | null): string {
  return text === null ? UNDEFINED : text.slice(0, 19).replace('T', ' ');
}

function State({ job, stale, trans }: { job: IJob; stale: boolean; trans: TranslationBundle }): JSX.Element {
  const state = stateOf(job);
  const parts = doingParts(job, trans);
  const whole = [...parts, leftText(job, trans)].filter(Boolean).join(' \u00b7 ');
  const reason = state === 'failed' ? job.error?.message : null;
  const shown = [...briefParts(job, trans), leftText(job, trans), reason];
  return (
    <>
      <span className="alphintra-JobState" title={reason ? `${whole}\n${reason}` : whole}>
        <span className={`alphintra-JobMark alphintra-mod-${state}`} aria-hidden="true">
          {STATE_MARKS[state]}
        </span>{' '}
        {shown.filter(Boolean).join(' \u00b7 ')}
      </span>
      {isFinished(job) ? null : <Bar job={job} text={whole} stale={stale} trans={trans} />}
    </>
  );
}

function Row(props: IProps & { job: IJob; at: number; focusable: boolean; onFocus: () => void }): JSX.Element {
  const { job, trans } = props;
  const name = nameOf(job, trans);
  return (
    <tr
      data-at={props.at}
      data-job={job.id}
      data-status={job.status}
      aria-rowindex={props.at + 2}
      aria-selected={props.selected === job.id}
      tabIndex={props.focusable ? 0 : -1}
      className={props.selected === job.id ? 'alphintra-mod-selected' : ''}
      onFocus={props.onFocus}
      onClick={() => props.onSelect(job)}
      onDoubleClick={() => props.onOpen(job)}
    >
      <th scope="row" className="alphintra-mod-left" title={name}>
        {shortName(job, trans)}
      </th>
      <td className="alphintra-mod-left alphintra-Jobs-state">
        <State job={job} stale={props.stale} trans={trans} />
      </td>
      <td className="alphintra-Jobs-action">
        <button
          type="button"
          className={`alphintra-Chip${isFinished(job) ? ' alphintra-hidden' : ''}`}
          tabIndex={-1}
          disabled={isFinished(job) || stateOf(job) === 'stopping'}
          aria-label={trans.__('Stop %1', name)}
          onClick={event => {
            event.stopPropagation();
            props.onStop(job);
          }}
          onDoubleClick={event => event.stopPropagation()}
        >
          {trans.__('stop')}
        </button>
      </td>
      <td className="alphintra-mod-left">{kindText(job.kind, trans)}</td>
      <td title={moment(job.started_at ?? job.created_at)}>
        {moment(job.started_at ?? job.created_at).slice(0, 16)}
      </td>
      <td>{secondsText(job.queue_seconds)}</td>
      <td>{secondsText(job.run_seconds)}</td>
      <td>{secondsText(job.cpu_seconds)}</td>
      <td>{bytesText(job.peak_memory_bytes)}</td>
      <td>{bytesText(job.bytes_written)}</td>
      <td>{job.attempt || UNDEFINED}</td>
      <td className={`alphintra-mod-left${job.sandbox_level === 'none' ? ' alphintra-mod-bad' : ''}`}>
        {job.sandbox_level === 'none' ? trans.__('not sandboxed') : (job.sandbox_level ?? UNDEFINED)}
      </td>
    </tr>
  );
}

export function JobsTable(props: IProps): JSX.Element {
  const { jobs, sort, trans } = props;
  const body = React.useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = React.useState(0);
  const [height, setHeight] = React.useState(600);
  const [cursor, setCursor] = React.useState<string | null>(null);
  const shown = React.useMemo(() => columns(trans), [trans]);
  const at = Math.max(
    0,
    jobs.findIndex(job => job.id === cursor)
  );
  const first = Math.max(0, Math.min(Math.floor(scroll / ROW), jobs.length - 1) - MARGIN);
  const last = Math.min(jobs.length, first + Math.ceil(height / ROW) + 2 * MARGIN);

  React.useEffect(() => {
    const node = body.current!;
    const observer = new ResizeObserver(() => setHeight(node.clientHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  const focusRow = (to: number): void => {
    const node = body.current;
    const job = jobs[to];
    if (!node || !job) {
      return;
    }
    setCursor(job.id);
    const top = to * ROW;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + ROW + HEADER > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + ROW + HEADER - node.clientHeight;
    }
    requestAnimationFrame(() => {
      node.querySelector<HTMLElement>(`[data-at="${to}"]`)?.focus();
    });
  };

  const onKey = (event: React.KeyboardEvent): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>('tr[data-at]');
    if (!row || row !== event.target) {
      return;
    }
    const page = Math.max(1, Math.floor(height / ROW) - 1);
    const to = rowAt(event.key, at, jobs.length, page);
    const job = jobs[at];
    if (to !== null) {
      event.preventDefault();
      focusRow(to);
    } else if (job && event.key === ' ') {
      event.preventDefault();
      props.onSelect(job);
    } else if (job && event.key === 'Enter') {
      event.preventDefault();
      props.onOpen(job);
    } else if (job && event.key === 'Delete' && !isFinished(job)) {
      event.preventDefault();
      props.onStop(job);
    }
  };

  return (
    <div
      ref={body}
      className="alphintra-Table-scroll alphintra-Jobs-scroll"
      data-lm-suppress-shortcuts="true"
      onScroll={event => setScroll(event.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      <table role="grid" aria-label={trans.__('Jobs')} aria-rowcount={jobs.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {shown.map(column => (
              <SortHead
                key={column.key}
                label={column.label}
                definition={column.definition}
                isLeft={column.left === true}
                // The state has the stop button beside it.
                span={column.key === 'state' ? 2 : 1}
                order={orderOf(sort?.key === column.key, sort?.descending)}
                onSort={() => props.onSort(nextJobSort(sort, column.key))}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 ? (
            <tr aria-hidden="true" style={{ height: first * ROW }}>
              <td colSpan={shown.length + 1} />
            </tr>
          ) : null}
          {jobs.slice(first, last).map((job, offset) => (
            <Row
              key={job.id}
              {...props}
              job={job}
              at={first + offset}
              focusable={first + offset === at}
              onFocus={() => setCursor(job.id)}
            />
          ))}
          {last < jobs.length ? (
            <tr aria-hidden="true" style={{ height: (jobs.length - last) * ROW }}>
              <td colSpan={shown.length + 1} />
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}

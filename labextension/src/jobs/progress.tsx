/** How far a job is: what it is doing, a bar, the time left, and a button that stops it. One height in all states. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { RowButton } from '../lists/rows.js';
import { fractionOf, stateOf } from './state.js';
import { IAdvancing, briefParts, doingParts, leftText } from './words.js';

interface IBarProps {
  job: IAdvancing;
  /** What is said of it by those who cannot see the bar. */
  text: string;
  /** Whether the server is away: nothing moves that is not known to. */
  stale?: boolean;
  trans: TranslationBundle;
}

export function Bar({ job, text, stale, trans }: IBarProps): JSX.Element {
  const state = stateOf(job);
  const fraction = state === 'waiting' || state === 'created' ? 0 : fractionOf(job.progress);
  const unknown = fraction === null && !stale;
  const classes = [
    'alphintra-Bar',
    unknown ? 'alphintra-mod-unknown' : '',
    stale || state === 'stopping' ? 'alphintra-mod-still' : ''
  ];
  return (
    <div
      className={classes.filter(Boolean).join(' ')}
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuetext={text}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(fraction === null ? {} : { 'aria-valuenow': Math.round(fraction * 100) })}
    >
      <i style={{ width: `${(fraction ?? 0) * 100}%` }} />
    </div>
  );
}

interface IProps {
  job: IAdvancing;
  /** What the stop button stops. */
  name: string;
  trans: TranslationBundle;
  stale?: boolean;
  /** In a narrow panel some of it is left to the hover. */
  narrow?: boolean;
  onStop: () => void;
}

export function JobProgress(props: IProps): JSX.Element {
  const { job, trans } = props;
  const parts = doingParts(job, trans);
  const left = leftText(job, trans);
  const whole = [...parts, left].filter(Boolean).join(' \u00b7 ');
  const shown = props.narrow ? briefParts(job, trans) : parts;
  const stopping = stateOf(job) === 'stopping';
  return (
    <div className="alphintra-Progress">
      <div className="alphintra-Progress-line">
        <span className="alphintra-Progress-doing" title={whole}>
          {shown.join(' \u00b7 ')}
        </span>
        {left === null ? null : <span className="alphintra-Progress-left">{left}</span>}
        <RowButton
          className="alphintra-Chip"
          disabled={stopping}
          aria-label={trans.__('Stop %1', props.name)}
          onPress={props.onStop}
        >
          {trans.__('stop')}
        </RowButton>
      </div>
      <Bar job={job} text={whole} stale={props.stale} trans={trans} />
    </div>
  );
}

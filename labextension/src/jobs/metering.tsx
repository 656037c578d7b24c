/** What a job has used, on a line: each figure with its unit, and its definition on hover and focus. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IUsage } from '../api/types.js';
import { UNDEFINED } from '../result/format.js';
import { meters } from './words.js';

interface IProps {
  usage: IUsage;
  attempt: number;
  level: string | null;
  /** What the sandbox level means. */
  levelDescription?: string | null;
  trans: TranslationBundle;
}

function Figure(props: { name: string; label: string; text: string; definition: string }): JSX.Element {
  const id = React.useId();
  return (
    <div className="alphintra-Meter" data-meter={props.name}>
      <dt tabIndex={0} aria-describedby={id}>
        {props.label}
        <span role="tooltip" id={id} className="alphintra-Tip">
          {props.definition}
        </span>
      </dt>
      <dd>{props.text}</dd>
    </div>
  );
}

export function Metering(props: IProps): JSX.Element {
  const { usage, attempt, level, trans } = props;
  return (
    <dl className="alphintra-Metering" aria-label={trans.__('What the job has used')}>
      {meters(usage, trans).map(meter => (
        <Figure key={meter.name} {...meter} />
      ))}
      {attempt > 1 ? (
        <Figure
          name="attempt"
          label={trans.__('Attempt')}
          text={String(attempt)}
          definition={trans.__(
            'Which attempt this is: a job whose server was lost is run again, three times at most.'
          )}
        />
      ) : null}
      <Figure
        name="sandbox_level"
        label={trans.__('Sandbox')}
        text={level === 'none' ? trans.__('not sandboxed') : (level ?? UNDEFINED)}
        definition={
          props.levelDescription ||
          trans.__('How its process was kept from everything else on the machine.')
        }
      />
    </dl>
  );
}

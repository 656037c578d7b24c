/** One object in the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Row } from '../lists/rows.js';
import type { IVariable } from './payload.js';
import { sizeText } from './words.js';

interface IProps {
  variable: IVariable;
  /** Whether it is new or another one than before. */
  moved: boolean;
  /** Whether its view is open in front. */
  current: boolean;
  trans: TranslationBundle;
  onOpen: () => void;
}

export function VariableRow({ variable, moved, current, trans, onOpen }: IProps): JSX.Element {
  const { name, type, summary } = variable;
  const size = sizeText(variable);
  return (
    <Row
      id={name}
      label={[name, type, size, summary, moved ? trans.__('changed') : ''].filter(Boolean).join(', ')}
      className={`alphintra-Variable ${moved ? 'alphintra-mod-moved' : ''}`}
      current={current}
      data-variable={name}
      title={[`${name}: ${type}`, size, summary].filter(Boolean).join('\n')}
      onOpen={onOpen}
    >
      <div className="alphintra-Item-line">
        <b>{name}</b>
        <span className="alphintra-Variable-type">{type}</span>
      </div>
      {summary ? <div className="alphintra-Variable-summary">{summary}</div> : null}
      {size ? <div className="alphintra-Variable-size">{size}</div> : null}
    </Row>
  );
}

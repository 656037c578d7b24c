/** One object in the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

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

/** The row above or below, across the headings of the groups. */
function neighbour(row: HTMLElement, step: number): HTMLElement | undefined {
  const rows = [
    ...(row.closest('.alphintra-Variables')?.querySelectorAll<HTMLElement>('.alphintra-Variable') ?? [])
  ];
  return rows[rows.indexOf(row) + step];
}

export function VariableRow({ variable, moved, current, trans, onOpen }: IProps): JSX.Element {
  const { name, type, summary } = variable;
  const size = sizeText(variable);
  const classes = [
    'alphintra-Item alphintra-Variable',
    current ? 'alphintra-mod-current' : '',
    moved ? 'alphintra-mod-moved' : ''
  ];
  return (
    <li
      className={classes.filter(Boolean).join(' ')}
      data-variable={name}
      tabIndex={0}
      aria-label={[name, type, size, summary, moved ? trans.__('changed') : '']
        .filter(Boolean)
        .join(', ')}
      title={[`${name}: ${type}`, size, summary].filter(Boolean).join('\n')}
      onClick={onOpen}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          event.preventDefault();
          onOpen();
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
          event.preventDefault();
          neighbour(event.currentTarget, event.key === 'ArrowDown' ? 1 : -1)?.focus();
        }
      }}
    >
      <div className="alphintra-Item-line">
        <b>{name}</b>
        <span className="alphintra-Variable-type">{type}</span>
      </div>
      {summary ? <div className="alphintra-Variable-summary">{summary}</div> : null}
      {size ? <div className="alphintra-Variable-size">{size}</div> : null}
    </li>
  );
}

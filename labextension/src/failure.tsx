/** The error state of a list or a document. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { describe } from './api/problem.js';
import { useFocusAround } from './keptFocus.js';

/** What happened, what to do, and the details folded away. */
export function Failure(props: {
  error: unknown;
  title: string;
  trans: TranslationBundle;
  onRetry: () => void;
}): JSX.Element {
  const { text, details } = describe(props.error);
  const hold = useFocusAround<HTMLDivElement>();
  return (
    <div ref={hold} className="alphintra-Panel-message" role="alert">
      <p className="alphintra-Problem">
        {props.title} {text}
      </p>
      {details.length > 0 ? (
        <details>
          <summary>{props.trans.__('Details')}</summary>
          <ul>
            {details.map((item, i) => (
              <li key={i}>{item}</li>
            ))}
          </ul>
        </details>
      ) : null}
      <button type="button" className="alphintra-Button" onClick={props.onRetry}>
        {props.trans.__('Try again')}
      </button>
    </div>
  );
}

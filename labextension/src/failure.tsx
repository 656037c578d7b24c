/** The error state of a list or a document. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { describe } from './api/problem.js';

/** What happened, what to do, and the details folded away. */
export function Failure(props: {
  error: unknown;
  title: string;
  trans: TranslationBundle;
  onRetry: () => void;
}): JSX.Element {
  const { text, details } = describe(props.error);
  const own = React.useRef<HTMLDivElement | null>(null);
  const hold = React.useCallback((node: HTMLDivElement | null) => {
    // Who tried again goes on from here: the button goes away, and the focus would be nowhere.
    if (node === null && own.current?.contains(document.activeElement)) {
      own.current.parentElement?.closest<HTMLElement>('[tabindex]')?.focus();
    }
    own.current = node;
  }, []);
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

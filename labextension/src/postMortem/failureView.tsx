/** Below the traceback of a strategy that raised: its line, the bar, and the way to stand there. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { useRowTab } from '../lists/rows.js';
import { barText } from './code.js';
import type { IFailure } from './payload.js';
import { failureOf } from './payload.js';

/** The one way from an error to its bar, wherever the error is shown. */
export function DebugButton(props: {
  trans: TranslationBundle;
  /** Why it cannot be done here; `null` where it can. */
  reason?: string | null;
  onClick: (event: React.MouseEvent<HTMLElement>) => void;
}): JSX.Element {
  const { trans, reason } = props;
  return (
    <button
      type="button"
      tabIndex={useRowTab()}
      className="alphintra-Button alphintra-DebugButton"
      aria-disabled={reason ? true : undefined}
      title={reason ?? trans.__('Replay the run and stand at the bar before the error')}
      onClick={event => {
        event.stopPropagation();
        if (!reason) {
          props.onClick(event);
        }
      }}
    >
      {trans.__('Debug at this bar')}
    </button>
  );
}

function Failure(props: {
  failure: IFailure;
  trans: TranslationBundle;
  onDebug: (node: Element) => void;
}): JSX.Element {
  const { failure, trans } = props;
  const when =
    failure.bar_time === null
      ? trans.__('before the first bar')
      : trans.__('at the bar of %1 UTC', barText(failure.bar_time));
  return (
    <section className="alphintra-Failure" aria-label={trans.__('Where the strategy failed')}>
      <div className="alphintra-Failure-head">
        <div>
          <b className="alphintra-Failure-message">{failure.message}</b>
          <div className="alphintra-muted">
            {trans.__('%1, line %2, %3', failure.place, failure.line, when)}
          </div>
        </div>
        {failure.stands ? (
          <DebugButton
            trans={trans}
            onClick={event => props.onDebug(event.currentTarget)}
          />
        ) : null}
      </div>
      {failure.source.length > 0 ? (
        <pre className="alphintra-Failure-source">
          {failure.source.map(([number, text]) => (
            <div
              key={number}
              className={number === failure.line ? 'alphintra-mod-failed' : undefined}
            >
              <span className="alphintra-Failure-number">
                {number === failure.line ? '\u2192 ' : '  '}
                {String(number).padStart(3)}
              </span>
              {text}
            </div>
          ))}
        </pre>
      ) : null}
    </section>
  );
}

export class FailureWidget extends ReactWidget {
  constructor(
    private readonly _payload: unknown,
    private readonly _trans: TranslationBundle,
    private readonly _onDebug: (node: Element) => void
  ) {
    super();
    this.addClass('alphintra-FailureWidget');
  }

  protected override render(): JSX.Element {
    const failure = failureOf(this._payload);
    return failure === null ? (
      <p className="alphintra-Problem" role="alert">
        {this._trans.__('This failure cannot be shown. Run the cell again.')}
      </p>
    ) : (
      <Failure failure={failure} trans={this._trans} onDebug={this._onDebug} />
    );
  }
}

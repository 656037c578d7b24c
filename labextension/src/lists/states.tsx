/** The states of a list: its outline while it loads, its error, its emptiness, and what is said beside its rows. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { describe } from '../api/problem.js';
import { Failure } from '../failure.js';
import type { ListModel } from './model.js';

/** What of a list's model its states are made of. */
export type Listed = Pick<
  ListModel<{ id: string }>,
  'state' | 'error' | 'isReading' | 'refresh' | 'hasMore' | 'isReadingMore' | 'moreError' | 'more'
>;

interface IProps {
  model: Listed;
  trans: TranslationBundle;
}

/** Rows of what is being read, with lines of these widths. */
export function ListSkeleton({ widths, trans }: { widths: readonly string[]; trans: TranslationBundle }): JSX.Element {
  return (
    <ul className="alphintra-Items" aria-busy="true" aria-label={trans.__('Loading')}>
      {[0, 1, 2, 3].map(i => (
        <li key={i} className="alphintra-Item">
          {widths.map((width, line) => (
            // As high as the lines of a row: nothing jumps when they come.
            <div
              key={line}
              className="alphintra-Skeleton"
              style={{ width, height: line === 0 ? 14 : 12, margin: '3px 0' }}
            />
          ))}
        </li>
      ))}
    </ul>
  );
}

interface IStatesProps extends IProps {
  skeleton: JSX.Element;
  /** What is said where it could not be read at all. */
  failed: string;
  children: React.ReactNode;
}

/** A list in its state: what is loaded, full or empty, is given. */
export function ListStates({ model, trans, skeleton, failed, children }: IStatesProps): JSX.Element {
  switch (model.state) {
    case 'loading':
      return skeleton;
    case 'error':
      return <Failure error={model.error} title={failed} trans={trans} onRetry={() => void model.refresh()} />;
    case 'ready':
      return <>{children}</>;
  }
}

/** A sentence where a list has no rows, and the button that helps. */
export function Told(props: {
  text: string;
  label: string;
  isProblem?: boolean;
  /** Whether it is the step that leads on; else it only goes back. */
  isPrimary?: boolean;
  onPress: () => void;
}): JSX.Element {
  return (
    <div className="alphintra-Panel-message" role={props.isProblem ? 'alert' : undefined}>
      <p className={props.isProblem ? 'alphintra-Problem' : undefined}>{props.text}</p>
      <button
        type="button"
        className={`alphintra-Button ${props.isPrimary ? 'alphintra-mod-primary' : ''}`}
        onClick={props.onPress}
      >
        {props.label}
      </button>
    </div>
  );
}

/** What keeps a list that was read from being as it is now. It stands where nothing moves when it comes or goes. */
export function Lateness({ model, isAway, trans }: IProps & { isAway: boolean }): JSX.Element | null {
  if (isAway && model.state !== 'error') {
    return (
      <div className="alphintra-Problem alphintra-Lateness" role="alert">
        {trans.__('The server does not answer. It is asked again; until then this list is as it was.')}
      </div>
    );
  }
  return model.state === 'ready' && model.error !== null ? (
    <div className="alphintra-Problem alphintra-Lateness" role="alert">
      <span>{trans.__('The list could not be read anew. %1', describe(model.error).text)}</span>
      <button type="button" className="alphintra-Button" onClick={() => void model.refresh()}>
        {trans.__('Try again')}
      </button>
    </div>
  ) : null;
}

/** Below the rows: the button that reads more of them. */
export function More({ model, trans, label, note }: IProps & { label: string; note?: string }): JSX.Element | null {
  if (!model.hasMore) {
    return null;
  }
  return (
    <div className="alphintra-Items-more">
      {/* While they are read it keeps the focus. */}
      <button
        type="button"
        className="alphintra-Button"
        aria-disabled={model.isReadingMore}
        onClick={() => void model.more()}
      >
        {label}
      </button>
      <span className="alphintra-muted" role="status">
        {model.moreError === null
          ? model.isReadingMore
            ? trans.__('Loading')
            : note
          : trans.__('They could not be read. %1', describe(model.moreError).text)}
      </span>
    </div>
  );
}

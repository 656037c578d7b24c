/** A study in the main area; its view is loaded with the first one. */

import React from 'react';

import { ApiError } from '../api/problem.js';
import { Failure } from '../failure.js';
import type { IResultEnvironment } from '../result/environment.js';
import type { StudyPayloadView } from '../study/view.js';

type View = typeof StudyPayloadView;

/** As soon as it is loaded, it is there without an outline before it. */
let loaded: { component: View } | null = null;

/** What the bundler says of a file that did not come is a detail: the server did not answer. */
function lost(reason: unknown): unknown {
  return reason instanceof Error && reason.name === 'ChunkLoadError'
    ? new ApiError({ status: 0, title: reason.message })
    : reason;
}

export function LazyStudy(props: {
  payload: unknown;
  environment: IResultEnvironment;
  waiting: React.ReactNode;
}): JSX.Element {
  const { trans } = props.environment;
  const [view, setView] = React.useState(loaded);
  const [error, setError] = React.useState<unknown>(null);
  const [attempt, setAttempt] = React.useState(0);
  React.useEffect(() => {
    let gone = false;
    // Not with React.lazy, which keeps a failure for good, and the document with it.
    import('../study/view.js').then(
      found => {
        loaded = { component: found.StudyPayloadView };
        if (!gone) {
          setView(loaded);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setError(lost(reason));
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [attempt]);
  if (error !== null) {
    return (
      <Failure
        error={error}
        title={trans.__('The part of this page that draws studies could not be loaded.')}
        trans={trans}
        onRetry={() => {
          setError(null);
          setAttempt(attempt + 1);
        }}
      />
    );
  }
  return view === null ? (
    <>{props.waiting}</>
  ) : (
    <view.component payload={props.payload} environment={props.environment} />
  );
}

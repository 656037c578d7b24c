/** A study in the main area; its view is loaded with the first one. */

import React from 'react';

import type { IResultEnvironment } from '../result/environment.js';

const View = React.lazy(async () => ({
  default: (await import('../study/view.js')).StudyPayloadView
}));

export function LazyStudy(props: {
  payload: unknown;
  environment: IResultEnvironment;
  waiting: React.ReactNode;
}): JSX.Element {
  return (
    <React.Suspense fallback={props.waiting}>
      <View payload={props.payload} environment={props.environment} />
    </React.Suspense>
  );
}

/** What the lists of all panels share: their outline while they load, and when they are drawn again. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import React from 'react';

/** Draw again whenever one of these emits; what emits has to be the same ones all the time. */
export function useSignals(...signals: readonly ISignal<unknown, unknown>[]): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const update = (): void => redraw();
    signals.forEach(signal => signal.connect(update));
    redraw(); // what happened between drawing and listening
    return () => signals.forEach(signal => signal.disconnect(update));
  }, signals);
}

/** The time in milliseconds, of this minute. */
export function useMinute(): number {
  const [now, setNow] = React.useState(Date.now());
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 60_000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}

/** Rows of what is being read, with lines of these widths. */
export function ListSkeleton({ widths, trans }: { widths: readonly string[]; trans: TranslationBundle }): JSX.Element {
  return (
    <ul className="alphintra-Items" aria-busy="true" aria-label={trans.__('Loading')}>
      {[0, 1, 2, 3].map(i => (
        <li key={i} className="alphintra-Item">
          {widths.map((width, line) => (
            <div key={line} className="alphintra-Skeleton" style={{ width, height: line === 0 ? 14 : 12 }} />
          ))}
        </li>
      ))}
    </ul>
  );
}

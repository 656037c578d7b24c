/** When what is shown is drawn again. */

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

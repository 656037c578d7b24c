/** Ties models to the server: events where they come, and a reading whenever some may have been missed. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Event } from '@jupyterlab/services';
import type { Signal } from '@lumino/signaling';

import type { Connection } from './connection.js';
import type { JobFeed } from './feed.js';
import type { SystemModel } from './system.js';

/** How often it is looked at whether events still come, in milliseconds. */
const LOOK_MS = 3_000;
/** A running job says something more often than this; else the stream may be gone. In milliseconds. */
const SILENT_MS = 12_000;

interface IOptions {
  app: JupyterFrontEnd;
  feed: JobFeed;
  connection: Connection;
  system: SystemModel;
  /** Whether something runs or waits. */
  isActive: () => boolean;
  /** Told when whatever is shown must be read anew. */
  stale: Signal<object, void>;
}

export function follow(options: IOptions): void {
  const { app, feed, connection, system, stale } = options;
  const { serviceManager } = app;
  serviceManager.events.stream.connect((_, emission: Event.Emission) => feed.receive(emission));
  const readAnew = (): void => {
    if (document.visibilityState === 'visible') {
      stale.emit();
    }
  };
  feed.missed.connect(readAnew);
  // The stream rests while the tab is hidden, and falls away with the network.
  document.addEventListener('visibilitychange', readAnew);
  window.addEventListener('online', () => void connection.suspect());
  window.addEventListener('offline', () => void connection.suspect());
  serviceManager.connectionFailure.connect(() => void connection.suspect());
  connection.changed.connect((_, isUp) => {
    if (isUp) {
      // It may be another server: its events are numbered anew, its sandbox may be another one.
      feed.reset();
      void system.refresh();
      stale.emit();
    }
  });
  // Lab opens the stream anew by itself, up to half a minute after it was lost, and does not tell.
  let readAt = 0;
  window.setInterval(() => {
    const now = Date.now();
    const silent = Math.min(feed.silence, now - readAt);
    if (connection.isUp && options.isActive() && silent > SILENT_MS) {
      readAt = now;
      readAnew();
    }
  }, LOOK_MS);
  void system.refresh();
  stale.emit();
}

/** Gets the candles of the part of a symbol that is looked at: at most one request at a time, and none for what has passed. */

import type { IPart } from './chartWindow.js';

/** How long is waited for the next move before anything is asked for. */
const PAUSE_MS = 60;

export class CandleLoader<Found> {
  /** `get` asks the server; `got` takes what came, `failed` why nothing did. */
  constructor(
    private readonly _get: (part: IPart, signal: AbortSignal) => Promise<Found>,
    private readonly _got: (found: Found) => void,
    private readonly _failed: (reason: unknown) => void,
    private readonly _busy: (isBusy: boolean) => void
  ) {}

  /** Ask for a part, soon; what was asked for before is no longer wanted. */
  want(part: IPart): void {
    const key = JSON.stringify(part);
    if (key === this._key) {
      return;
    }
    this.drop();
    this._key = key;
    this._busy(true);
    this._timer = setTimeout(() => void this._load(part, key), PAUSE_MS);
  }

  /** Want nothing. */
  drop(): void {
    clearTimeout(this._timer);
    this._abort?.abort();
    this._abort = null;
    if (this._key !== null) {
      this._key = null;
      this._busy(false);
    }
  }

  private async _load(part: IPart, key: string): Promise<void> {
    const abort = new AbortController();
    this._abort = abort;
    try {
      const found = await this._get(part, abort.signal);
      if (this._key === key) {
        this._done();
        this._got(found);
      }
    } catch (reason) {
      if (this._key === key) {
        this._done();
        this._failed(reason);
      }
    }
  }

  private _done(): void {
    this._key = null;
    this._abort = null;
    this._busy(false);
  }

  private _key: string | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _abort: AbortController | null = null;
}

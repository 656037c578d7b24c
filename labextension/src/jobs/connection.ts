/**
 * Whether the server answers. While it does not, it is asked again and again, ever more rarely; when it does
 * once more, whoever shows something reads it anew. What is shown meanwhile stays.
 */

import { ISignal, Signal } from '@lumino/signaling';

/** The first pause between two attempts, and the longest, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 10_000;

export interface IConnectionOptions {
  /** Resolves when the server answers. */
  probe: () => Promise<unknown>;
  /** Calls back later; `setTimeout` but in tests. */
  later?: (callback: () => void, milliseconds: number) => void;
}

export class Connection {
  constructor(options: IConnectionOptions) {
    this._probe = options.probe;
    this._later = options.later ?? ((callback, ms) => void setTimeout(callback, ms));
  }

  /** Emits when the server went away or came back. */
  get changed(): ISignal<this, boolean> {
    return this._changed;
  }

  /** Whether the server answered the last time that it was asked. */
  get isUp(): boolean {
    return this._isUp;
  }

  /** Ask whether the server is there, because something looks as if it were not. */
  async suspect(): Promise<void> {
    if (this._asking) {
      return;
    }
    this._asking = true;
    try {
      await this._probe();
      this._pause = FIRST_MS;
      this._set(true);
    } catch {
      // Whatever went wrong, there was no good answer: that is all a probe can tell.
      this._set(false);
      this._later(() => void this.suspect(), this._pause);
      this._pause = Math.min(LONGEST_MS, this._pause * 2);
    } finally {
      this._asking = false;
    }
  }

  private _set(isUp: boolean): void {
    if (isUp !== this._isUp) {
      this._isUp = isUp;
      this._changed.emit(isUp);
    }
  }

  private readonly _probe: () => Promise<unknown>;
  private readonly _later: (callback: () => void, milliseconds: number) => void;
  private _isUp = true;
  private _asking = false;
  private _pause = FIRST_MS;
  private _changed = new Signal<this, boolean>(this);
}

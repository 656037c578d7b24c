/**
 * What a chart shows as its place on the screen comes, goes and changes.
 *
 * In a hidden tab, or a notebook that is not in front, it has no width: a range that is set then becomes candles of a
 * fiftieth of a pixel, and stays so once it is seen. And what shows the whole goes on doing so when the place gets narrower,
 * instead of losing the latest bars.
 */

import type { IDisposable } from '@lumino/disposable';

/** What somebody looks at another part with, or may. */
const MOVES = ['wheel', 'pointerdown', 'keydown'] as const;

export class Sight implements IDisposable {
  /** `fit` shows the whole in the place that there is. */
  constructor(
    private readonly _host: HTMLElement,
    private readonly _fit: () => void
  ) {
    this._observer = new ResizeObserver(() => {
      const due = this._due ?? (this._isWhole ? this._fit : null);
      if (due && this.isSeen) {
        this._due = null;
        due();
      }
    });
    this._observer.observe(_host);
    MOVES.forEach(type => _host.addEventListener(type, this._onMove, { capture: true, passive: true }));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether it is seen, and shows what was to be shown meanwhile. */
  get isSettled(): boolean {
    return this.isSeen && this._due === null;
  }

  /** Show the whole, until somebody looks at a part. */
  showWhole(): void {
    this._isWhole = true;
    this.whenSeen(this._fit);
  }

  /** Do it now, or once the chart is seen; the last that was to be done is what is done then. */
  whenSeen(then: () => void): void {
    if (this.isSeen) {
      this._due = null;
      then();
    } else {
      this._due = then;
    }
  }

  /** A part is looked at from now on. */
  leaveWhole(): void {
    this._isWhole = false;
  }

  dispose(): void {
    this._isDisposed = true;
    this._due = null;
    this._isWhole = false;
    this._observer.disconnect();
    MOVES.forEach(type => this._host.removeEventListener(type, this._onMove, true));
  }

  private get isSeen(): boolean {
    return this._host.clientWidth > 0;
  }

  private readonly _onMove = (): void => this.leaveWhole();

  private readonly _observer: ResizeObserver;
  private _due: (() => void) | null = null;
  private _isWhole = false;
  private _isDisposed = false;
}

/** Which completed runs are chosen for a comparison: by mouse or keyboard, in the order of choosing. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IBacktest } from '../api/types.js';

/** As many as the server compares. */
export const FEWEST = 2;
export const MOST = 20;

/** Whether a run has what can be compared. */
export function canCompare(run: Pick<IBacktest, 'status'>): boolean {
  return run.status.toUpperCase() === 'COMPLETED';
}

export class RunSelection {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The first is what the others are compared with. */
  get ids(): readonly string[] {
    return this._ids;
  }

  get isEnough(): boolean {
    return this._ids.length >= FEWEST && this._ids.length <= MOST;
  }

  has(id: string): boolean {
    return this._ids.includes(id);
  }

  /** Choose a run, or give it up. */
  toggle(run: IBacktest): void {
    if (!canCompare(run)) {
      return;
    }
    this._anchor = run.id;
    this._set(
      this.has(run.id)
        ? this._ids.filter(id => id !== run.id)
        : [...this._ids, run.id]
    );
  }

  /** Choose all runs from the last one that was touched to this one, as they are listed. */
  extend(run: IBacktest, listed: readonly IBacktest[]): void {
    const to = listed.findIndex(item => item.id === run.id);
    const from = listed.findIndex(item => item.id === this._anchor);
    if (to < 0) {
      return;
    }
    const [low, high] = from < 0 ? [to, to] : from < to ? [from, to] : [to, from];
    const between = listed.slice(low, high + 1).filter(canCompare);
    if (from < 0) {
      this._anchor = run.id;
    }
    this._set([...new Set([...this._ids, ...between.map(item => item.id)])]);
  }

  /** Give up runs that no longer exist. */
  keep(runs: readonly IBacktest[]): void {
    const known = new Set(runs.map(item => item.id));
    const left = this._ids.filter(id => known.has(id));
    if (left.length < this._ids.length) {
      this._set(left);
    }
  }

  clear(): void {
    this._anchor = null;
    this._set([]);
  }

  private _set(ids: string[]): void {
    this._ids = ids;
    this._changed.emit();
  }

  private _ids: string[] = [];
  private _anchor: string | null = null;
  private _changed = new Signal<this, void>(this);
}

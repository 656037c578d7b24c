/**
 * What all lists of the server's rows share: they are read from their beginning and then a part at a time, and what
 * is shown is always the answer to what was asked for last. No DOM.
 *
 * - Calls of `refresh` while one is under way are answered by one more reading, so that the last answer is the newest,
 *   and a list that is told to refresh ever so often still shows something.
 * - Another choice is asked for at once; what was on its way is of the choice before and counts no more.
 * - A list that was read stays while it cannot be read anew, with the error beside it.
 */

import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type { IPage } from '../api/types.js';

export type LoadState = 'loading' | 'ready' | 'error';

/** A part of a list as it was read. */
export interface IPart<T> {
  items: readonly T[];
  /** How many there are of what is chosen; `null` where the server does not say. */
  total: number | null;
  /** Where a list goes on that is read by a cursor, `null` at its end; without it, the list is read by place. */
  next?: string | null;
}

/** How rows that were read come to those that are held: behind them, in their place, or as those of another choice. */
export type Reading = 'more' | 'again' | 'other';

/** A part of a list that is read by place. */
export function partOf<T>(page: IPage<T>): IPart<T> {
  return { items: page.items, total: page._pagination?.total ?? null };
}

/** As many rows as the server gives at once. */
const MOST = 200;

/** So many rows from a place on, or all that there are, in as many requests as that takes. */
export async function partFrom<T>(
  ask: (limit: number, offset: number) => Promise<IPage<T>>,
  offset: number,
  wanted: number
): Promise<IPart<T>> {
  const items: T[] = [];
  for (;;) {
    const limit = Math.min(MOST, wanted - items.length);
    const page = await ask(limit, offset + items.length);
    items.push(...page.items);
    if (page.items.length < limit || items.length === wanted) {
      return { ...partOf(page), items };
    }
  }
}

export abstract class ListModel<T extends { id: string }, P extends IPart<T> = IPart<T>> implements IDisposable {
  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): LoadState {
    return this._state;
  }

  /** Why the list could not be read; with state `ready` it is as it was before. */
  get error(): unknown {
    return this._error;
  }

  /** Whether it is being read, first or again. */
  get isReading(): boolean {
    return this._isReading;
  }

  /** Whether the rows behind those that are shown are being read. */
  get isReadingMore(): boolean {
    return this._isReadingMore;
  }

  /** Why no more could be read. */
  get moreError(): unknown {
    return this._moreError;
  }

  get items(): readonly T[] {
    return this._items;
  }

  /** How many the server has of what is chosen, as far as it says. */
  get total(): number {
    return Math.max(this._total, this._items.length);
  }

  get hasMore(): boolean {
    return this._next === undefined ? this._items.length < this.total : this._next !== null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  find(id: string | null): T | undefined {
    return this._items.find(item => item.id === id);
  }

  /** Read the list anew; resolves when an answer is there that was asked for after this call. Never rejects. */
  refresh(): Promise<void> {
    if (this._isReading) {
      this._again = true;
      return this._reading;
    }
    return this._begin();
  }

  /** Read on behind what is shown. Never rejects: why it could not be is in `moreError`. */
  async more(): Promise<void> {
    if (!this.hasMore || this._isReadingMore) {
      return;
    }
    if (this._shownChoice !== this._choice) {
      // What is shown is of the choice before: nothing of this one goes on behind it.
      return this.refresh();
    }
    const { _choice: choice, _next: next } = this;
    this._isReadingMore = true;
    this._moreError = null;
    this._changed.emit();
    try {
      const part = await this.read(this._items.length, next ?? null);
      // The list may go on at another place meanwhile.
      if (choice === this._choice && next === this._next) {
        this._next = part.next;
        this._mores += 1;
        this.took(part);
        this.show(this.merged(part.items, 'more'), part.total ?? this._total);
      }
    } catch (error) {
      if (choice === this._choice) {
        this._moreError = error;
      }
    }
    if (choice === this._choice) {
      this._isReadingMore = false;
      this._changed.emit();
    }
  }

  /**
   * Ask for a part: the rows from a place on, or behind a cursor; from place 0 on as many as are to be shown.
   *
   * Rejects where the server does not answer, or refuses.
   */
  protected abstract read(offset: number, cursor: string | null): Promise<P>;

  /** Called before the list is asked for from its beginning. */
  protected asking(): void {
    // Most lists keep no note of it.
  }

  /** The rows to be shown after these were read; each of them once. */
  protected merged(read: readonly T[], how: Reading): readonly T[] {
    const all = how === 'more' ? [...this._items, ...read] : read;
    return [...new Map(all.map(item => [item.id, item])).values()];
  }

  /** Take what else came with a part. */
  protected took(_part: P): void {
    // Most parts are rows alone.
  }

  /** Called when the list was read from its beginning and is shown, with the rows before. */
  protected shown(_before: readonly T[]): void {
    // Most lists tell no more of it.
  }

  /** Show these rows from now on. */
  protected show(items: readonly T[], total = this._total): void {
    this._items = items;
    this._total = total;
    this._changed.emit();
  }

  /** Read the list of another choice; what is shown stays until it has come. */
  protected restart(): Promise<void> {
    this._choice += 1;
    this._isReadingMore = false;
    this._moreError = null;
    return this._begin();
  }

  private _begin(): Promise<void> {
    this._isReading = true;
    this._reading = this._read(this._choice);
    this._changed.emit();
    return this._reading;
  }

  private async _read(choice: number): Promise<void> {
    do {
      this._again = false;
      this.asking();
      const mores = this._mores;
      let part: P | null = null;
      let error: unknown = null;
      try {
        part = await this.read(0, null);
      } catch (reason) {
        error = reason;
      }
      if (this._isDisposed) {
        return;
      }
      if (choice !== this._choice) {
        // Whoever waits for this list waits for the one that is shown in its place.
        return this._reading;
      }
      if (part !== null && mores !== this._mores) {
        continue; // it is not all of what is shown by now
      }
      this._isReading = this._again;
      this._error = error;
      if (part === null) {
        this._state = this._state === 'ready' ? 'ready' : 'error';
        this._changed.emit();
      } else {
        this._take(part);
      }
    } while (this._isReading);
  }

  private _take(part: P): void {
    const how = this._shownChoice === this._choice ? 'again' : 'other';
    const before = this._items;
    const rows = this.merged(part.items, how);
    // Behind rows that stay, the list goes on where it did.
    if (how === 'other' || rows.length <= part.items.length) {
      this._next = part.next;
    }
    this._shownChoice = this._choice;
    this._state = 'ready';
    this._moreError = null;
    this.took(part);
    this.show(rows, part.total ?? 0);
    this.shown(before);
  }

  private _items: readonly T[] = [];
  private _total = 0;
  private _next: string | null | undefined = undefined;
  private _state: LoadState = 'loading';
  private _error: unknown = null;
  private _moreError: unknown = null;
  private _reading: Promise<void> = Promise.resolve();
  private _isReading = false;
  private _isReadingMore = false;
  /** Counts how often more was read. */
  private _mores = 0;
  /** Whether it is to be read once more after the reading that is under way. */
  private _again = false;
  /** Counts the choices: what was read of another one than the last is stale. */
  private _choice = 0;
  /** The choice that the rows are of. */
  private _shownChoice = 0;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

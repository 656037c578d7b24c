/** The snippets of the server: built-in ones and the trader's own. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IPage, ISnippet } from '../api/types.js';

export interface ISnippetSource {
  snippets(): Promise<IPage<ISnippet>>;
}

/** How long a list is good for: the trader's own may have been edited since. */
const FRESH_MS = 10_000;

export class SnippetsModel {
  constructor(source: ISnippetSource, clock: () => number = Date.now) {
    this._source = source;
    this._clock = clock;
  }

  /** Emits when the list has become another one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly ISnippet[] {
    return this._items;
  }

  /** The list, read anew when it is old; while the server is away, the last one. */
  async read(): Promise<readonly ISnippet[]> {
    if (this._clock() - this._readAt < FRESH_MS) {
      return this._items;
    }
    try {
      const { items } = await this._source.snippets();
      this._readAt = this._clock();
      const differs = JSON.stringify(items) !== JSON.stringify(this._items);
      this._items = items;
      this._error = null;
      if (differs) {
        this._changed.emit();
      }
    } catch (error) {
      this._error = error;
    }
    return this._items;
  }

  /** Why the last reading failed, or `null`. */
  get error(): unknown {
    return this._error;
  }

  private _source: ISnippetSource;
  private _clock: () => number;
  private _items: readonly ISnippet[] = [];
  private _readAt = -Infinity;
  private _error: unknown = null;
  private _changed = new Signal<this, void>(this);
}

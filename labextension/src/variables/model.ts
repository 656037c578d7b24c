/** The list of a notebook's trading objects: asks while somebody looks, and as often as the kernel can bear. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IAsked } from './kernel.js';
import { IListing, IVariable, listingOf } from './payload.js';

/** Milliseconds between two lists while a cell runs, and while none does: a widget may change things then. */
export const BUSY_INTERVAL = 1_000;
export const IDLE_INTERVAL = 5_000;
/** The kernel is at this no more than a twentieth of its time. */
const SHARE = 20;
/** Milliseconds without an answer after which that is said. */
export const PATIENCE = 5_000;

/** The notebook in front. */
export interface ITarget {
  readonly path: string;
  /** Whether it is still being found out which kernel it has. */
  readonly isStarting: boolean;
  readonly kernel: IAsked | null;
}

/** A kernel that ended by itself, and what it had. */
export interface ILoss {
  /** When that was seen, in milliseconds since 1970. */
  readonly at: number;
  /** Objects of the last list. */
  readonly objects: number;
}

/** What is to be shown. */
export type State =
  | 'no-notebook'
  | 'no-kernel'
  | 'other-kernel'
  | 'dead'
  | 'lost'
  | 'loading'
  | 'error'
  | 'ready';

/** Time and its passing, which a test has of its own. */
export interface IClock {
  now(): number;
  after(milliseconds: number, action: () => void): () => void;
}

export const CLOCK: IClock = {
  now: () => Date.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  }
};

/** In which states the kernel is asked. */
const ASKED: ReadonlySet<State> = new Set(['loading', 'error', 'ready', 'lost']);

export class VariablesModel {
  constructor(private readonly clock: IClock = CLOCK) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get target(): ITarget | null {
    return this._target;
  }

  /** The last list of this kernel. */
  get listing(): IListing | null {
    return this._listing;
  }

  /** When it was made, in milliseconds since 1970. */
  get listedAt(): number {
    return this._listedAt;
  }

  /** Names of the objects that are new or other ones than in the list before. */
  get moved(): ReadonlySet<string> {
    return this._moved;
  }

  /** Whether the kernel keeps us waiting: the list is as it was. */
  get isLate(): boolean {
    return this._isLate;
  }

  /** What ended with the kernel before, until there is something to be listed again. */
  get loss(): ILoss | null {
    return this._loss;
  }

  /** What went wrong with the last request. */
  get error(): unknown {
    return this._error;
  }

  get isBusy(): boolean {
    return this._target?.kernel?.status === 'busy';
  }

  get state(): State {
    const target = this._target;
    if (target === null) {
      return 'no-notebook';
    }
    const { kernel } = target;
    if (kernel === null) {
      return target.isStarting ? 'loading' : 'no-kernel';
    }
    if (!kernel.isOurs) {
      return 'other-kernel';
    }
    if (kernel.status === 'dead' || kernel.status === 'terminating') {
      return 'dead';
    }
    if (this._loss !== null) {
      return 'lost';
    }
    if (this._listing !== null) {
      return 'ready';
    }
    return this._error === null ? 'loading' : 'error';
  }

  get filter(): string {
    return this._filter;
  }

  set filter(filter: string) {
    if (filter !== this._filter) {
      this._filter = filter;
      this._changed.emit();
      this.refresh();
    }
  }

  /** Turn to another notebook or kernel, or to none. */
  turnTo(target: ITarget | null): void {
    const before = this._target?.kernel?.id;
    this._target = target;
    if (target?.kernel?.id !== before) {
      this._forget();
      this._loss = null;
      this._had = 0;
    }
    this._changed.emit();
    this.refresh();
  }

  /** The kernel does something else, or is another one under its old name. */
  statusChanged(): void {
    const status = this._target?.kernel?.status;
    if (status === 'restarting') {
      // Asked for by somebody, unless the next one says otherwise at once.
      this._had = this._listing?.total || this._loss?.objects || 0;
      this._loss = null;
    } else if (status === 'autorestarting') {
      const objects = this._listing?.total || this._had;
      this._loss = objects > 0 ? { at: this.clock.now(), objects } : null;
      this._filter = ''; // the first object that is there again is to be seen
    }
    if (status === 'restarting' || status === 'autorestarting' || status === 'starting') {
      this._forget();
    }
    this._changed.emit();
    this.refresh();
  }

  /** Somebody looks, or nobody does any more. */
  set isWatched(watched: boolean) {
    if (watched !== this._isWatched) {
      this._isWatched = watched;
      this.refresh();
    }
  }

  /** Ask now; of several such calls while the kernel answers, one more is asked for. */
  refresh(): void {
    this._cancel();
    if (this._asking) {
      this._again = true;
      return;
    }
    const state = this.state;
    const kernel = this._target?.kernel;
    if (kernel?.status === 'restarting' || kernel?.status === 'autorestarting') {
      return; // it says when it is there again
    }
    if (this._isWatched && kernel && ASKED.has(state)) {
      void this._look(kernel);
    }
  }

  private async _look(kernel: IAsked): Promise<void> {
    this._asking = true;
    this._again = false;
    const turn = this._turn;
    const late = this.clock.after(PATIENCE, () => {
      if (turn === this._turn) {
        this._isLate = true;
        this._changed.emit();
      }
    });
    const filter = this._filter;
    let isWorking = false;
    try {
      const listing = listingOf(await kernel.ask('alphintra/variables', { filter }));
      if (turn === this._turn) {
        if (listing === null) {
          throw new Error('The kernel does not answer as expected. Is its version of Alphintra older?');
        }
        if (listing === 'working') {
          isWorking = true;
        } else {
          this._take(listing, filter);
        }
      }
    } catch (reason) {
      if (turn === this._turn) {
        this._error = reason;
      }
    }
    late();
    if (turn !== this._turn) {
      return; // of another kernel, which is asked by itself
    }
    this._asking = false;
    this._isLate = false;
    this._changed.emit();
    if (this._again) {
      this.refresh();
    } else {
      this._next(isWorking);
    }
  }

  private _take(listing: IListing, filter: string): void {
    const before = this._listing;
    const known = new Map(before?.variables.map(one => [one.name, one]));
    const isOther = (one: IVariable): boolean => {
      const old = known.get(one.name);
      return old?.id !== one.id || old.summary !== one.summary || old.size !== one.size;
    };
    // After another filter there is nothing to compare with.
    const comparable = before !== null && filter === this._listedFor;
    this._moved = new Set(
      comparable ? listing.variables.filter(isOther).map(one => one.name) : []
    );
    this._listing = listing;
    this._listedFor = filter;
    this._listedAt = this.clock.now();
    this._error = null;
    if (listing.total > 0) {
      this._loss = null;
    }
  }

  private _next(isWorking: boolean): void {
    if (!this._isWatched) {
      return;
    }
    const taken = (this._listing?.seconds ?? 0) * 1000 * SHARE;
    const wanted = Math.max(this.isBusy ? BUSY_INTERVAL : IDLE_INTERVAL, taken);
    this._cancel();
    this._timer = this.clock.after(isWorking ? BUSY_INTERVAL : wanted, () => this.refresh());
  }

  private _forget(): void {
    this._turn += 1;
    this._listing = null;
    this._moved = new Set();
    this._error = null;
    this._isLate = false;
    // What the kernel before was asked for may never be answered.
    this._asking = false;
  }

  private _cancel(): void {
    this._timer?.();
    this._timer = null;
  }

  private _changed = new Signal<this, void>(this);
  private _target: ITarget | null = null;
  private _listing: IListing | null = null;
  private _listedFor = '';
  private _listedAt = 0;
  private _moved: ReadonlySet<string> = new Set();
  private _loss: ILoss | null = null;
  /** How many objects there were when a restart began. */
  private _had = 0;
  private _error: unknown = null;
  private _filter = '';
  private _isWatched = false;
  private _isLate = false;
  private _asking = false;
  private _again = false;
  private _turn = 0;
  private _timer: (() => void) | null = null;
}

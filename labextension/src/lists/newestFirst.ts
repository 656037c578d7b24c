/** A list of what the server runs, the newest first, kept current by its events. No DOM. */

import { isFinished } from '../jobs/state.js';
import type { IPart, Reading } from './model.js';
import { ListModel } from './model.js';

export interface IRunning {
  id: string;
  status: string;
  created_at: string;
}

/** Newest first, as the server lists them. */
export function byAge(a: IRunning, b: IRunning): number {
  return b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id);
}

export abstract class NewestFirst<T extends IRunning> extends ListModel<T, IPart<T>> {
  protected override asking(): void {
    this._told.clear();
  }

  /** Older pages that were asked for stay, and what has begun meanwhile; what else vanished is gone. */
  protected override merged(read: readonly T[], how: Reading): readonly T[] {
    const fetched = new Set(read.map(row => row.id));
    const oldest = read.at(-1)?.created_at ?? '';
    const stays = (row: T): boolean =>
      how === 'more' || (how === 'again' && (this._told.get(row.id) === true || row.created_at < oldest));
    return [
      ...read.map(row => {
        const held = this._told.has(row.id) && !isFinished(row) ? this.find(row.id) : undefined;
        return held ?? this.newest(row);
      }),
      ...this.items.filter(row => !fetched.has(row.id) && stays(row))
    ].sort(byAge);
  }

  /** Of a row as it was read and as it is held, the newer: nothing leaves its end. */
  protected newest(read: T): T {
    const held = this.find(read.id);
    return held && isFinished(held) && !isFinished(read) ? held : read;
  }

  /** Show a row that was told of, or read by itself. */
  protected put(row: T): void {
    const isNew = this.find(row.id) === undefined;
    this._told.set(row.id, isNew || this._told.get(row.id) === true);
    this.show(
      [...this.items.filter(held => held.id !== row.id), this.newest(row)].sort(byAge),
      this.total + Number(isNew)
    );
  }

  /** What was told of since the list was asked for last, and whether it was not known before. */
  private _told = new Map<string, boolean>();
}

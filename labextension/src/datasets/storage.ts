/** How much of this user's room is taken. No DOM. */

import { ISignal, Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IStorageUsage } from '../api/datasets.js';
import { bytesText } from '../jobs/words.js';

export class StorageModel {
  constructor(private readonly _source: { storageUsage(): Promise<IStorageUsage> }) {}

  /** Emits after it was read. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What was read last; `null` before that. */
  get usage(): IStorageUsage | null {
    return this._usage;
  }

  /** Read it anew. Where there is no answer it stays as it was: the list above it says that the server is away. */
  async refresh(): Promise<void> {
    try {
      this._usage = await this._source.storageUsage();
      this._changed.emit();
    } catch (error) {
      console.warn('The use of storage could not be read.', error);
    }
  }

  private _usage: IStorageUsage | null = null;
  private _changed = new Signal<this, void>(this);
}

/** The share that is taken, from 0 to 1: of a quota of nothing all of it. */
export function takenShare({ quota, used }: IStorageUsage): number {
  return quota <= 0 ? 1 : Math.min(1, Math.max(0, used / quota));
}

/** How near the end of the room is: from 90 % on it is said, at all of it nothing more goes up. */
export function roomLeft(usage: IStorageUsage): 'enough' | 'little' | 'none' {
  const share = takenShare(usage);
  return share >= 1 ? 'none' : share >= 0.9 ? 'little' : 'enough';
}

export function usageText(usage: IStorageUsage, trans: TranslationBundle): string {
  const shown = trans.__('%1 of %2', bytesText(usage.used), bytesText(usage.quota));
  return roomLeft(usage) === 'none' ? trans.__('%1, full', shown) : shown;
}

/** What it is made of, for the hover. */
export function usageDetail(usage: IStorageUsage, trans: TranslationBundle): string {
  return trans.__(
    'Your files: %1 in datasets, %2 in uploads, of %3 that you may use',
    bytesText(usage.datasets),
    bytesText(usage.uploads),
    bytesText(usage.quota)
  );
}

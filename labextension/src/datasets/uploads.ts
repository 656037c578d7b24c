/** Uploads under way: those that this tab sends, and those that the server looks at or makes a version of. No DOM. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IUpload, UploadState } from '../api/datasets.js';
import { ApiError } from '../api/problem.js';
import type { IPage } from '../api/types.js';
import type { ISource, ITusOptions } from './tus.js';
import { TusUpload } from './tus.js';

/** What the model needs of the server. */
export interface IUploadSource {
  /** The newest of those that wait for somebody, those that failed or expired among them. */
  openUploads(limit: number): Promise<IPage<IUpload>>;
  send: ITusOptions['send'];
}

/** A file, with what tells it from another of the same name and length. */
export type IChosenFile = ISource & { readonly lastModified: number };

/** Where it is kept which upload a file belongs to, so that it can go on after the page was closed. */
export type IMemory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface IUploadItem {
  /** `null` before the server has given one. */
  id: string | null;
  filename: string;
  length: number;
  received: number;
  state: UploadState;
  jobId: string | null;
  error: IUpload['error'];
  /** When it was begun, as ISO 8601 writes it. */
  at: string;
  /** What sends it, where this tab does. */
  sender: TusUpload | null;
}

const MOST = 50;
/** Nothing came of it, and its file is no longer kept. */
export const FRUITLESS: readonly UploadState[] = ['FAILED', 'EXPIRED'];

/** Shows files that were chosen together as they arrive, each behind the one before; `show` gives where it is. */
export function inTurn(show: (id: string, after: string | null) => string): (id: string | null) => void {
  let last: string | null = null;
  return id => {
    if (id !== null) {
      last = show(id, last);
    }
  };
}

export class UploadsModel {
  constructor(
    private readonly _source: IUploadSource,
    private readonly _memory: IMemory,
    private readonly _digest: ITusOptions['digest'] = null
  ) {}

  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits the id of an upload of this tab once all of it is on the server. */
  get sent(): ISignal<this, string> {
    return this._sent;
  }

  /** Those that wait for somebody; the newest first. */
  get items(): readonly IUploadItem[] {
    const sending = this._senders.map(sender => this._itemOf(sender));
    const own = new Set(sending.map(item => item.id));
    const others = this._uploads
      .filter(upload => !own.has(upload.id) && !this._discarded.has(upload.id))
      .map(upload => ({ ...upload, jobId: upload.job_id, at: upload.created_at, sender: null }));
    return [...sending, ...others];
  }

  find(id: string): IUploadItem | undefined {
    return this.items.find(item => item.id === id);
  }

  /** Send a file: on from where it was left, if it is the same one. Gives its id once all is there, else `null`. */
  async add(file: IChosenFile): Promise<string | null> {
    const key = `alphintra:upload:${file.lastModified}:${file.size}:${file.name}`;
    if (this._onTheirWay.has(key)) {
      // Its row says how far it is.
      return null;
    }
    this._onTheirWay.add(key);
    try {
      return await this._send(file, key);
    } finally {
      this._onTheirWay.delete(key);
    }
  }

  /** Those that came to nothing, or could not be sent. */
  get failures(): readonly IUploadItem[] {
    return this.items.filter(item => FRUITLESS.includes(item.state));
  }

  /** End an upload, wherever it stands; the server lists no more what came to nothing. */
  async discard(item: IUploadItem): Promise<void> {
    if (item.sender !== null) {
      const { sender } = item;
      const wasOver = sender.state === 'failed' && sender.id === null;
      this._drop(sender);
      if (!wasOver) {
        await sender.cancel();
      }
    } else if (item.id !== null) {
      this._discarded.add(item.id);
      this._changed.emit();
      try {
        await this._source.send(`datasets/upload/${item.id}`, {
          method: 'DELETE',
          headers: { 'Tus-Resumable': '1.0.0' }
        });
      } catch (error) {
        if (!(error instanceof ApiError && [404, 410].includes(error.problem.status))) {
          this._discarded.delete(item.id);
          this._changed.emit();
          throw error;
        }
        // Somebody has ended it elsewhere.
      }
    }
  }

  /** Read what the server has. What it says is newer than what was known. */
  async refresh(): Promise<void> {
    try {
      this._uploads = (await this._source.openUploads(MOST)).items;
    } catch (error) {
      // The list of datasets, which is read along with it, says that the server is away.
      console.warn('The uploads could not be read.', error);
      return;
    }
    this._changed.emit();
  }

  private async _send(file: IChosenFile, key: string): Promise<string | null> {
    await this.refresh();
    const before = this._memory.getItem(key);
    const left = this._uploads.find(upload => upload.id === before && upload.state === 'RECEIVING');
    const sender = new TusUpload({
      source: file,
      send: this._source.send,
      digest: this._digest,
      id: left?.id ?? null
    });
    // What came to nothing gives way: who adds its file again wants it tried again.
    this._senders = [sender, ...this._senders.filter(other => this._keys.get(other) !== key)];
    for (const item of this.failures.filter(own => own.sender === null && own.filename === file.name)) {
      this.discard(item).catch((error: unknown) => console.warn('A failed upload could not be dismissed.', error));
    }
    this._keys.set(sender, key);
    sender.changed.connect(() => {
      if (sender.id !== null) {
        this._memory.setItem(key, sender.id);
      }
      this._changed.emit();
    });
    this._changed.emit();
    await sender.run();
    if (sender.state !== 'failed') {
      this._memory.removeItem(key);
    }
    if (sender.state !== 'sent' || sender.id === null) {
      return null;
    }
    await this.refresh();
    this._drop(sender);
    this._sent.emit(sender.id);
    return sender.id;
  }

  private _itemOf(sender: TusUpload): IUploadItem {
    return {
      id: sender.id,
      filename: sender.name,
      length: sender.length,
      received: sender.sent,
      state: sender.state === 'failed' ? 'FAILED' : 'RECEIVING',
      jobId: null,
      error: null,
      at: new Date().toISOString(),
      sender
    };
  }

  private _drop(sender: TusUpload): void {
    this._senders = this._senders.filter(other => other !== sender);
    this._changed.emit();
  }

  private _uploads: readonly IUpload[] = [];
  private _senders: readonly TusUpload[] = [];
  /** What tells the file of each from another one. */
  private _keys = new WeakMap<TusUpload, string>();
  private _onTheirWay = new Set<string>();
  private _discarded = new Set<string>();
  private _changed = new Signal<this, void>(this);
  private _sent = new Signal<this, string>(this);
}

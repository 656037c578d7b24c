/**
 * Sends a file in pieces by tus 1.0.0 (https://tus.io/protocols/resumable-upload): each piece with its SHA-256, on from
 * where the server has it after a broken connection, until it is there or was cancelled. No DOM.
 */

import { ISignal, Signal } from '@lumino/signaling';

import { ApiError } from '../api/problem.js';

/** What is sent: a `File`, or a part of one. */
export interface ISource {
  readonly name: string;
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** What is read of an answer. */
export interface IAnswer {
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export interface ITusOptions {
  source: ISource;
  /** Sends a request below `/api`; throws an `ApiError` unless it was answered with success. */
  send: (path: string, init: RequestInit) => Promise<IAnswer>;
  /** The upload to go on with; without it one is begun. */
  id?: string | null;
  /** SHA-256 of bytes; `null` where the browser has none, as on plain HTTP to another machine. */
  digest?: ((bytes: ArrayBuffer) => Promise<ArrayBuffer>) | null;
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  now?: () => number;
}

const MIB = 1 << 20;
/** The server takes no larger pieces. */
const MOST = 16 * MIB;
const FEWEST = MIB / 4;
/** A piece takes about this long, in milliseconds: progress shows, and little is lost with a connection. */
const PIECE_MS = 1_000;
/** Waits before it is tried again, in milliseconds; the last one from then on. */
const WAITS = [500, 1_000, 2_000, 5_000, 10_000];
const LONGEST_MS = 30 * 60_000;
const TUS = { 'Tus-Resumable': '1.0.0' };
const PATH = 'datasets/upload';

export type SendState = 'sending' | 'waiting' | 'sent' | 'failed' | 'cancelled';

/** Whether it is worth trying again: the answer was lost, or says that it is for now. */
function passes(error: unknown): boolean {
  if (!(error instanceof ApiError)) {
    return false;
  }
  const { status } = error.problem;
  return error.unreachable || status >= 500 && status !== 507 || [408, 409, 423, 429, 460].includes(status);
}

export class TusUpload {
  constructor(private readonly _options: ITusOptions) {
    this._id = _options.id ?? null;
  }

  /** Emits when state or progress changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The upload's id on the server, once it is known. */
  get id(): string | null {
    return this._id;
  }

  get name(): string {
    return this._options.source.name;
  }

  get length(): number {
    return this._options.source.size;
  }

  /** Bytes that the server has for good. */
  get sent(): number {
    return this._sent;
  }

  get state(): SendState {
    return this._state;
  }

  /** Why it failed, or why it waits. */
  get error(): unknown {
    return this._error;
  }

  /** Seconds that are left as it goes now; `null` where there is no telling. */
  get secondsLeft(): number | null {
    return this._state === 'sending' && this._rate > 0 ? (this.length - this._sent) / this._rate / 1000 : null;
  }

  /** Send it to its end. Never throws: how it ended is the state. */
  async run(): Promise<void> {
    let failures = 0;
    let lastAt = this._now();
    let known = this._id === null;
    while (this._state === 'sending' || this._state === 'waiting') {
      try {
        if (this._id === null) {
          await this._begin();
        } else if (!known) {
          await this._ask();
          known = true;
        } else {
          await this._piece();
        }
        failures = 0;
        lastAt = this._now();
        this._set(this._id !== null && known && this._sent === this.length ? 'sent' : 'sending', null);
      } catch (error) {
        if (this._abort.signal.aborted) {
          break;
        }
        if (!passes(error) || this._now() - lastAt > LONGEST_MS) {
          this._set('failed', error);
          break;
        }
        // What was on its way may have arrived: the server is asked before anything is sent again.
        known = this._id === null;
        this._size = Math.max(FEWEST, this._size / 2);
        this._set('waiting', error);
        await this._wait(WAITS[Math.min(failures, WAITS.length - 1)]!).catch(() => undefined);
        failures += 1;
      }
    }
  }

  /** Stop, and have the server forget what it has. */
  async cancel(): Promise<void> {
    this._set('cancelled', null);
    this._abort.abort();
    if (this._id !== null) {
      await this._options.send(`${PATH}/${this._id}`, { method: 'DELETE', headers: TUS });
    }
  }

  private async _begin(): Promise<void> {
    const name = new TextEncoder().encode(this.name);
    const answer = await this._options.send(PATH, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': String(this.length), 'Upload-Metadata': `filename ${base64(name)}` },
      signal: this._abort.signal
    });
    this._id = (JSON.parse(await answer.text()) as { id: string }).id;
  }

  /** Ask where the next bytes go. */
  private async _ask(): Promise<void> {
    const answer = await this._options.send(`${PATH}/${this._id}`, {
      method: 'HEAD',
      headers: TUS,
      signal: this._abort.signal
    });
    this._take(answer);
  }

  /** Read where the next bytes go. An answer that names no such place is no answer of this protocol. */
  private _take(answer: IAnswer): void {
    const offset = Number(answer.headers.get('Upload-Offset') ?? NaN);
    if (!(offset >= 0 && offset <= this.length)) {
      throw new Error('The server tells of another file than this one.');
    }
    this._sent = offset;
  }

  private async _piece(): Promise<void> {
    const begun = this._now();
    const start = this._sent;
    const bytes = await this._options.source.slice(start, Math.min(start + this._size, this.length)).arrayBuffer();
    const { digest } = this._options;
    const headers: Record<string, string> = {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': String(start)
    };
    if (digest) {
      headers['Upload-Checksum'] = `sha256 ${base64(new Uint8Array(await digest(bytes)))}`;
    }
    const answer = await this._options.send(`${PATH}/${this._id}`, {
      method: 'PATCH',
      headers,
      body: bytes,
      signal: this._abort.signal
    });
    this._take(answer);
    const took = Math.max(1, this._now() - begun);
    const rate = bytes.byteLength / took;
    this._rate = this._rate === 0 ? rate : 0.7 * this._rate + 0.3 * rate;
    this._size = Math.round(Math.min(MOST, Math.max(FEWEST, Math.min(this._size * 2, rate * PIECE_MS))));
  }

  private _set(state: SendState, error: unknown): void {
    if (this._state !== 'cancelled') {
      this._state = state;
      this._error = error;
      this._changed.emit();
    }
  }

  private _now(): number {
    return (this._options.now ?? Date.now)();
  }

  private _wait(milliseconds: number): Promise<void> {
    return (this._options.wait ?? wait)(milliseconds, this._abort.signal);
  }

  private _id: string | null;
  private _sent = 0;
  private _size = MIB;
  private _rate = 0;
  private _state: SendState = 'sending';
  private _error: unknown = null;
  private readonly _abort = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('aborted'));
    });
  });
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}

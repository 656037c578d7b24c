/**
 * The job events of the one stream that a tab has: each once, in order, and a word when some may be missing.
 *
 * Events of one server carry rising ids without gaps, whatever they are about. So a gap says that something
 * was missed.
 */

import { ISignal, Signal } from '@lumino/signaling';

import type { IJobEvent } from '../api/types.js';

/** All events of the product; their ids are one sequence. */
const OURS = 'https://events.alphintra.dev/';
/** The schema of the events that tell of jobs. */
export const JOB_EVENT_SCHEMA = `${OURS}job/v1`;

/** As many ids are remembered, to drop events that come twice. */
const REMEMBERED = 4096;

export class JobFeed {
  constructor(private readonly _now: () => number = () => Date.now()) {
    this._heardAt = this._now();
  }

  /** Emits each event of a job once. */
  get received(): ISignal<this, IJobEvent> {
    return this._received;
  }

  /** Emits when events may have been missed: what is shown must be read anew. */
  get missed(): ISignal<this, void> {
    return this._missed;
  }

  /** Milliseconds since the last event of any sort. */
  get silence(): number {
    return this._now() - this._heardAt;
  }

  /** Take in what the stream says. */
  receive(emission: { schema_id?: unknown; event_id?: unknown }): void {
    const { schema_id: schema, event_id: id } = emission;
    if (typeof schema !== 'string' || !schema.startsWith(OURS) || typeof id !== 'number') {
      return;
    }
    this._heardAt = this._now();
    if (this._seen.has(id)) {
      return;
    }
    const gap = this._last !== null && id !== this._last + 1;
    this._remember(id);
    if (schema === JOB_EVENT_SCHEMA) {
      this._received.emit(emission as unknown as IJobEvent);
    }
    if (gap) {
      this._missed.emit();
    }
  }

  /** Begin anew with whatever comes next: the server was away, and may have come back with another database. */
  reset(): void {
    this._last = null;
    this._seen.clear();
    this._heardAt = this._now();
  }

  private _remember(id: number): void {
    this._last = id;
    this._seen.add(id);
    if (this._seen.size > REMEMBERED) {
      // Sets keep the order of insertion: the first is the oldest.
      this._seen.delete(this._seen.values().next().value!);
    }
  }

  private _last: number | null = null;
  private _heardAt: number;
  private _seen = new Set<number>();
  private _received = new Signal<this, IJobEvent>(this);
  private _missed = new Signal<this, void>(this);
}

/** What was being written when Lab was closed or loaded anew: kept by the browser, few and small, dropped when used. No DOM. */

/** Where drafts are kept: the browser's storage. */
export interface IMemory {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export const MOST_DRAFTS = 20;
/** Characters of one; a longer one is not kept. */
export const MOST_LENGTH = 200_000;
const KEPT_MS = 30 * 86_400_000;

interface IKept {
  at: number;
  value: unknown;
}

export class Drafts {
  /** `place` names the server and its user: several share a browser's storage. */
  constructor(
    private readonly _memory: IMemory,
    place: string,
    private readonly _now: () => number = Date.now
  ) {
    this._key = `alphintra:drafts:${place}`;
  }

  /** What was kept of something; `undefined` where nothing was. */
  read(name: string): unknown {
    return this._all().get(name)?.value;
  }

  /** Keep it; of more than there is room for, the oldest go. */
  write(name: string, value: unknown): void {
    const all = this._all();
    all.delete(name);
    if (JSON.stringify(value).length <= MOST_LENGTH) {
      all.set(name, { at: this._now(), value });
    }
    this._keep(all);
  }

  /** Forget it: it was used, or nobody wants it. */
  drop(name: string): void {
    const all = this._all();
    if (all.delete(name)) {
      this._keep(all);
    }
  }

  /** All that are not too old, the oldest first. */
  private _all(): Map<string, IKept> {
    try {
      const found = JSON.parse(this._memory.getItem(this._key) ?? '[]') as [string, IKept][];
      return new Map(found.filter(([, kept]) => this._now() - kept.at < KEPT_MS));
    } catch {
      // Not written by this, or by another version of it.
      return new Map();
    }
  }

  private _keep(all: ReadonlyMap<string, IKept>): void {
    let kept = [...all].slice(-MOST_DRAFTS);
    for (;;) {
      try {
        if (kept.length === 0) {
          this._memory.removeItem(this._key);
        } else {
          this._memory.setItem(this._key, JSON.stringify(kept));
        }
        return;
      } catch (error) {
        // The browser gives no more room: the newest are worth the most.
        if (kept.length === 0) {
          console.warn('Drafts are not kept.', error);
          return;
        }
        kept = kept.slice(Math.ceil(kept.length / 2));
      }
    }
  }

  private readonly _key: string;
}

/** One of them. */
export interface IDraft {
  read(): unknown;
  write(value: unknown): void;
  drop(): void;
}

export function draftOf(drafts: Drafts, name: string): IDraft {
  return {
    read: () => drafts.read(name),
    write: value => drafts.write(name, value),
    drop: () => drafts.drop(name)
  };
}

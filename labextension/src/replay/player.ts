/**
 * Play: the browser asks for the next bars, so that the kernel rests in between and a cell can run.
 *
 * No more is asked for before the last was answered. A kernel that is slower than the wish plays as fast as it can,
 * and does not catch up afterwards.
 */

/** Bars a second that can be chosen. */
export const RATES = [1, 2, 4, 8, 15, 30, 120, 480] as const;
export const FIRST_RATE = 8;

/** The longest pause that counts, in milliseconds: a hidden page, a slow bar. */
const LONGEST = 250;

export class Pace {
  constructor(
    private _rate: number,
    now: number
  ) {
    this._last = now;
    // The first bar comes at once.
    this._due = 1;
  }

  set rate(rate: number) {
    this._rate = rate;
    this._due = Math.min(this._due, 1);
  }

  /** How many bars to ask for now; 0 while an answer is awaited or none is due. */
  ask(now: number): number {
    // What a slow kernel owes is forgotten beyond the longest pause.
    const most = Math.max(1, (this._rate * LONGEST) / 1000);
    this._due = Math.min(this._due + ((now - this._last) * this._rate) / 1000, most);
    this._last = now;
    if (this._waiting) {
      return 0;
    }
    const bars = Math.floor(this._due + 1e-9);
    if (bars > 0) {
      this._due -= bars;
      this._waiting = true;
    }
    return bars;
  }

  answered(): void {
    this._waiting = false;
  }

  private _due: number;
  private _last: number;
  private _waiting = false;
}

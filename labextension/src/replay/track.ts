/** The track over all bars: where the replay stands, what happened so far, and a way to any other bar. */

import { h } from './dom.js';
import type { IFacts } from './payload.js';

function tick(at: number, kind: string): HTMLElement {
  const node = h('i', { class: `alphintra-mod-${kind}` });
  node.style.left = `${at}%`;
  return node;
}

/** Of marks that would lie on each other the first. */
function apart(marks: { at: number; kind: string }[]): HTMLElement[] {
  let last = -1;
  return marks
    .filter(mark => {
      const seen = mark.at - last >= 0.2;
      last = seen ? mark.at : last;
      return seen;
    })
    .map(mark => tick(mark.at, mark.kind));
}

export class Track {
  constructor(private readonly _goTo: (bar: number) => void) {
    this._fill = h('i', { class: 'alphintra-Replay-fill' });
    this._ticks = h('div', { class: 'alphintra-Replay-ticks', 'aria-hidden': 'true' });
    this.node = h(
      'div',
      {
        class: 'alphintra-Replay-track',
        role: 'slider',
        tabindex: 0,
        'aria-label': 'Bar'
      },
      this._fill,
      this._ticks
    );
    this.node.addEventListener('pointerdown', this._onDown);
    this.node.addEventListener('pointermove', this._onMove);
    this.node.addEventListener('pointerup', this._onUp);
    this.node.addEventListener('keydown', this._onKey);
  }

  readonly node: HTMLDivElement;

  show(facts: IFacts, time: string): void {
    if (facts.marks !== this._shown?.marks || facts.branches !== this._shown.branches) {
      const place = (bar: number): number => (100 * (bar + 1)) / facts.count;
      this._ticks.replaceChildren(
        ...apart(facts.marks.map(mark => ({ at: place(mark.bar), kind: mark.side.toLowerCase() }))),
        ...facts.branches.map(branch => tick(place(branch.bar), 'branch'))
      );
    }
    this._shown = facts;
    if (this._dragged === null) {
      this._place(facts.bar);
    }
    this.node.setAttribute('aria-valuemin', String(facts.first));
    this.node.setAttribute('aria-valuemax', String(facts.count));
    this.node.setAttribute('aria-valuenow', String(facts.bar + 1));
    this.node.setAttribute('aria-valuetext', `bar ${facts.bar + 1} of ${facts.count}, ${time}`);
  }

  private _place(bar: number): void {
    this._fill.style.width = `${(100 * (bar + 1)) / Math.max(1, this._shown?.count ?? 1)}%`;
  }

  /** The nearest bar that the replay can stand at: from the one before the strategy is first called. */
  private _within(bar: number): number {
    const { first, count } = this._shown ?? { first: 0, count: 1 };
    return Math.max(first - 1, Math.min(count - 1, bar));
  }

  private _barAt(event: PointerEvent): number {
    const box = this.node.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this._within(Math.round(part * (this._shown?.count ?? 1)) - 1);
  }

  private readonly _onDown = (event: PointerEvent): void => {
    if (event.button === 0) {
      this.node.setPointerCapture(event.pointerId);
      this._dragged = this._barAt(event);
      this._place(this._dragged);
    }
  };

  private readonly _onMove = (event: PointerEvent): void => {
    if (this._dragged !== null) {
      this._dragged = this._barAt(event);
      this._place(this._dragged);
    }
  };

  private readonly _onUp = (): void => {
    if (this._dragged !== null) {
      this._goTo(this._dragged);
      this._dragged = null;
    }
  };

  private readonly _onKey = (event: KeyboardEvent): void => {
    const facts = this._shown;
    if (!facts || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    // The arrows are the replay's own: they step by one bar wherever the focus is.
    const page = Math.max(1, Math.round(facts.count / 20));
    const to = {
      Home: -Infinity,
      End: Infinity,
      PageDown: facts.bar - page,
      PageUp: facts.bar + page
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this._goTo(this._within(to));
    }
  };

  private readonly _fill: HTMLElement;
  private readonly _ticks: HTMLElement;
  private _shown: IFacts | null = null;
  private _dragged: number | null = null;
}

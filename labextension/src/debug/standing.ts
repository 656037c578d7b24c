/** The lines above the call stack that say where in the market the run stands. */

import { Widget } from '@lumino/widgets';

import type { IMarket } from './market.js';
import { standing } from './words.js';

/** Milliseconds that the last lines stay while the run goes on: a step is shorter, and nothing jumps. */
const STAYS = 500;

/** Hidden while no replay is paused. */
export class Standing extends Widget {
  private timer = 0;

  constructor() {
    super();
    this.addClass('alphintra-Standing');
    this.node.setAttribute('role', 'status');
    this.hide();
  }

  /** Say it of the bar that the run stands in, if it does. */
  say(market: IMarket): void {
    window.clearTimeout(this.timer);
    const lines = standing(market).map(text => part('alphintra-Standing-line', text));
    if (lines.length === 0) {
      this.timer = window.setTimeout(() => this.hide(), STAYS);
      return;
    }
    if (market.error) {
      lines.push(part('alphintra-Standing-error', market.error.trim()));
    }
    this.node.replaceChildren(...lines);
    this.show();
  }

  override dispose(): void {
    window.clearTimeout(this.timer);
    super.dispose();
  }
}

function part(className: string, text: string): HTMLElement {
  const node = document.createElement('div');
  node.className = className;
  node.textContent = text;
  return node;
}

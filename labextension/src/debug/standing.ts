/** The lines above the call stack that say where in the market the run stands. */

import { Widget } from '@lumino/widgets';

import type { IMarket } from './market.js';
import { standing } from './words.js';

/** Hidden while no replay is paused. */
export class Standing extends Widget {
  constructor() {
    super();
    this.addClass('alphintra-Standing');
    this.node.setAttribute('role', 'status');
    this.hide();
  }

  /** Say it of this bar. */
  say(market: IMarket): void {
    const lines = standing(market).map(text => {
      const line = document.createElement('div');
      line.textContent = text;
      return line;
    });
    if (market.error && lines.length > 0) {
      const error = document.createElement('div');
      error.className = 'alphintra-Standing-error';
      error.textContent = market.error.trim();
      lines.push(error);
    }
    this.node.replaceChildren(...lines);
    this.setHidden(lines.length === 0);
  }
}

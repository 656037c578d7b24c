/** The strip above the call stack: where in the market the run stands, and the buttons that move it there. */

import { CommandToolbarButton } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Panel, Widget } from '@lumino/widgets';

import type { IMarket } from './market.js';
import { standing } from './words.js';

/** Milliseconds that the last lines stay while the run goes on: a step is shorter, and nothing jumps. */
const STAYS = 500;

/** Hidden while no replay is paused. */
export class Standing extends Panel {
  private readonly time = new Widget();
  private readonly rest = new Widget();
  private timer = 0;

  constructor(commands: CommandRegistry, buttons: readonly string[]) {
    super();
    this.addClass('alphintra-Standing');
    this.time.addClass('alphintra-Standing-time');
    this.rest.addClass('alphintra-Standing-rest');
    this.rest.node.setAttribute('role', 'status');
    this.addWidget(this.time);
    for (const id of buttons) {
      this.addWidget(new CommandToolbarButton({ commands, id, label: '' }));
    }
    this.addWidget(this.rest);
    this.hide();
  }

  /** Say it of the bar that the run stands in, if it does. */
  say(market: IMarket): void {
    window.clearTimeout(this.timer);
    const [time, ...lines] = standing(market);
    if (time === undefined) {
      this.timer = window.setTimeout(() => this.hide(), STAYS);
      return;
    }
    this.time.node.textContent = time;
    this.rest.node.replaceChildren(...lines.map(text => part('alphintra-Standing-line', text)));
    if (market.error) {
      this.rest.node.prepend(part('alphintra-Standing-error', market.error));
    }
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

/** What happened to the orders up to the bar, the latest first, with the rule and the reason. */

import { h } from './dom.js';
import type { IFacts, ILogRow } from './payload.js';

const BAD = new Set(['REJECTED']);

/** A time in UTC as it is read: the date, and the time of day where there are several bars a day. */
export function timeText(iso: string | null, intraday: boolean): string {
  return iso === null
    ? 'before the first bar'
    : iso.slice(0, intraday ? 16 : 10).replace('T', ' ');
}

export class LogTable {
  constructor(private readonly _goTo: (bar: number) => void) {
    this._body = h('tbody');
    this.node = h(
      'div',
      { class: 'alphintra-Replay-log' },
      h(
        'table',
        { 'aria-label': 'Order log' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['Time', 'Event', 'Rule', 'Why'].map(label => h('th', { scope: 'col' }, label))
          )
        ),
        this._body
      )
    );
  }

  readonly node: HTMLDivElement;

  show(facts: IFacts): void {
    if (facts.log === this._shown) {
      return;
    }
    this._shown = facts.log;
    this._body.replaceChildren(
      ...(facts.log.length === 0
        ? [
            h(
              'tr',
              {},
              h('td', { colspan: 4, class: 'alphintra-muted' }, 'No order so far.')
            )
          ]
        : facts.log.map(item => this._row(item, facts)))
    );
  }

  private _row(item: ILogRow, facts: IFacts): HTMLElement {
    const time = timeText(item.time, facts.intraday);
    const go = h('button', { type: 'button', title: 'Go to this bar' }, time);
    go.addEventListener('click', () => this._goTo(item.bar));
    const event = item.event.toLowerCase().replaceAll('_', ' ');
    return h(
      'tr',
      { class: BAD.has(item.event) ? 'alphintra-mod-error' : '' },
      h('td', {}, item.bar < facts.first ? time : go),
      h('td', {}, `${event}: ${item.text}`),
      h('td', { title: item.reason }, item.rule),
      h('td', {}, item.why, item.why && item.line !== null && ' \u00b7 ', lineOf(item))
    );
  }

  private readonly _body: HTMLElement;
  private _shown: ILogRow[] | null = null;
}

/** Asks the page for the source of an order; the extension of JupyterLab answers. */
export const LINE_EVENT = 'alphintra-replay-line';

export interface ILine {
  file: string | null;
  line: number;
  code: string;
}

function lineOf({ file, line, code }: ILogRow): HTMLElement | null {
  if (line === null) {
    return null;
  }
  const go = h(
    'button',
    { type: 'button', class: 'alphintra-Replay-line', title: code },
    `line ${line}`
  );
  go.addEventListener('click', () => {
    const detail: ILine = { file, line, code };
    go.dispatchEvent(new CustomEvent(LINE_EVENT, { bubbles: true, detail }));
  });
  return go;
}

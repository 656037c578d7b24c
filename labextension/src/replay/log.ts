/** What happened to the orders up to the bar, the latest first, with the rule and the reason. */

import { datesOnly, isoTime } from '../result/format.js';
import { h } from './dom.js';
import type { IFacts, ILogRow } from './payload.js';

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
    const dateOnly = datesOnly(facts.log.map(item => item.time));
    this._body.replaceChildren(
      ...(facts.log.length === 0
        ? [
            h(
              'tr',
              {},
              h('td', { colspan: 4, class: 'alphintra-muted' }, 'No order so far.')
            )
          ]
        : facts.log.map(item => this._row(item, dateOnly)))
    );
  }

  private _row(item: ILogRow, dateOnly: boolean): HTMLElement {
    const time = isoTime(item.time, dateOnly);
    const bar = item.bar;
    const go =
      bar === null ? null : h('button', { type: 'button', title: 'Go to this bar' }, time);
    go?.addEventListener('click', () => this._goTo(bar!));
    const line = item.line === null ? '' : `line ${item.line}`;
    return h(
      'tr',
      { class: `alphintra-mod-${item.level}` },
      h('td', {}, go ?? time),
      h('td', {}, item.event),
      h('td', {}, item.rule),
      h('td', {}, [item.why, line].filter(Boolean).join(' \u00b7 '))
    );
  }

  private readonly _body: HTMLElement;
  private _shown: ILogRow[] | null = null;
}

/** The column beside the chart: account, positions, working orders, the strategy's own variables. */

import { SPARK_HEIGHT, SPARK_WIDTH, sparkPath } from '../result/sparkPath.js';
import { THIN, direction, fixed, formatValue } from '../result/format.js';
import { drawing, h } from './dom.js';
import type { IFacts, IWorkingOrder } from './payload.js';

type Part = 'account' | 'positions' | 'orders' | 'variables';

const TITLES: Record<Part, string> = {
  account: 'Account',
  positions: 'Position',
  orders: 'Working orders',
  variables: 'Variables'
};

function spark(
  course: readonly (number | null)[],
  tone: string
): SVGSVGElement | null {
  const values = course.filter(value => value !== null);
  return values.length < 2
    ? null
    : drawing(
        {
          class: `alphintra-Replay-spark alphintra-mod-${tone}`,
          width: SPARK_WIDTH,
          height: SPARK_HEIGHT,
          'aria-hidden': 'true'
        },
        sparkPath(values)
      );
}

function row(
  name: string,
  value: string,
  last: Node | string | null,
  tone = ''
): HTMLElement {
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, name),
    h('td', { class: tone }, value),
    h('td', {}, last)
  );
}

/** `sell stop`, `buy limit`. */
export function nameOf(order: IWorkingOrder): string {
  return `${order.side} ${order.type}`.toLowerCase().replaceAll('_', ' ');
}

function none(text: string): HTMLElement {
  return h('tr', {}, h('td', { class: 'alphintra-muted', colspan: 3 }, text));
}

function rowsOf(part: Part, facts: IFacts): HTMLElement[] {
  switch (part) {
    case 'account': {
      const { equity, cash, drawdown, equity_spark, drawdown_spark } = facts.account;
      return [
        row('Equity', formatValue(equity, 'money'), spark(equity_spark, 'strategy'), 'alphintra-mod-strong'),
        row('Cash', formatValue(cash, 'money'), null),
        row(
          'Drawdown',
          formatValue(drawdown, 'percent'),
          spark(drawdown_spark, 'down'),
          drawdown < 0 ? 'alphintra-mod-down' : ''
        )
      ];
    }
    case 'positions':
      return facts.positions.length === 0
        ? [none('flat')]
        : facts.positions.map(({ symbol, size, avg_price, pnl_pct: gain }) => {
            const way = direction(gain);
            return row(
              symbol,
              `${formatValue(size, 'quantity')} at ${formatValue(avg_price, 'price')}`,
              h(
                'span',
                { class: way === 'flat' ? '' : `alphintra-mod-${way}` },
                gain === null ? '' : `${fixed(gain * 100, 1, true)}${THIN}%`
              )
            );
          });
    case 'orders':
      return facts.orders.length === 0
        ? [none('none')]
        : facts.orders.map(order => {
            const price = order.stop ?? order.limit;
            const quantity = formatValue(order.quantity, 'quantity');
            const made = row(
              nameOf(order),
              price === null
                ? quantity
                : `${quantity} at ${formatValue(price, 'price')}`,
              h('span', { class: 'alphintra-muted' }, order.tif)
            );
            made.title = order.text;
            return made;
          });
    case 'variables':
      return facts.variables.length === 0
        ? [none('The strategy keeps none of its own.')]
        : facts.variables.map(({ name, text, changed, spark: values }) => {
            const made = row(
              name,
              text,
              spark(values, 'strategy'),
              changed ? 'alphintra-mod-changed' : ''
            );
            made.title = changed ? `${name} = ${text} (changed at this bar)` : `${name} = ${text}`;
            return made;
          });
  }
}

export class Side {
  constructor() {
    this.node = h('div', { class: 'alphintra-Replay-side' });
    for (const part of Object.keys(TITLES) as Part[]) {
      const body = h('tbody');
      this._bodies.set(part, body);
      this.node.append(
        h(
          'table',
          { class: `alphintra-Replay-${part}` },
          h(
            'caption',
            {},
            TITLES[part],
            part === 'variables' && h('span', {}, ' \u00b7 changed ones marked')
          ),
          // A long value takes nothing from the other columns.
          h('colgroup', {}, h('col', { class: 'alphintra-mod-name' }), h('col'), h('col')),
          body
        )
      );
    }
  }

  readonly node: HTMLDivElement;

  /** Write what differs: what stays keeps its place, its selection and its tip. */
  show(facts: IFacts): void {
    for (const [part, body] of this._bodies) {
      if (facts[part] !== this._shown?.[part]) {
        body.replaceChildren(...rowsOf(part, facts));
      }
    }
    this._shown = facts;
  }

  private readonly _bodies = new Map<Part, HTMLElement>();
  private _shown: IFacts | null = null;
}

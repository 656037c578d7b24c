/** Why a fill, an order or a trade came to be: the buttons that open the replay at its bar. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IHeader, ITable, TableName } from './payload.js';

/** Opens the replay of a result; where that is depends on where the result is shown. */
export interface IStand {
  /** Stand at a bar; `node` is where it was asked for. */
  go(header: IHeader, at: string, node: Element): void;
  /** Keep what the row that was chosen last leads to, or that there is none. */
  choose(go: (() => void) | null): void;
}

/** What a row of each table leads to. */
const SIDES: Partial<Record<TableName, readonly string[]>> = {
  trades: ['entry', 'exit'],
  fills: ['fill'],
  orders: ['order']
};

export function sidesOf(name: TableName): readonly string[] {
  return SIDES[name] ?? [];
}

/** Where the replay stands for a row; `null` where there is no such bar. */
export function placeOf(table: ITable | undefined, side: string, row: number | null): string | null {
  return row === null ? null : (table?.at?.[side]?.[row] ?? null);
}

/** Why the replay cannot be opened for a row; `null` where it can. */
export function reasonAgainst(
  header: IHeader,
  table: ITable | undefined,
  side: string,
  row: number | null,
  trans: TranslationBundle
): string | null {
  if (!header.replay) {
    return trans.__('This result was stored by an earlier Alphintra. Run it again to replay it.');
  }
  if (header.replay.why_not) {
    return header.replay.why_not;
  }
  if (row === null) {
    return trans.__('Choose a row: the replay opens at its bar');
  }
  if (placeOf(table, side, row) === null) {
    return side === 'exit'
      ? trans.__('This trade was still open at the end.')
      : trans.__('No bar of the run belongs to this row.');
  }
  return null;
}

interface IProps {
  stand: IStand;
  header: IHeader;
  name: TableName;
  table: ITable | undefined;
  row: number | null;
  trans: TranslationBundle;
}

export function WhyButtons(props: IProps): JSX.Element {
  const { stand, header, name, table, row, trans } = props;
  const labels: Record<string, string> = {
    entry: trans.__('Why in?'),
    exit: trans.__('Why out?')
  };
  return (
    <span className="alphintra-Why">
      {sidesOf(name).map(side => {
        const reason = reasonAgainst(header, table, side, row, trans);
        const at = placeOf(table, side, row);
        return (
          <button
            key={side}
            type="button"
            className="alphintra-Button"
            data-why={side}
            aria-disabled={reason === null ? undefined : true}
            title={reason ?? trans.__('Open the replay at %1 (key w on a row)', at!)}
            onClick={event => {
              event.stopPropagation();
              if (reason === null) {
                stand.go(header, at!, event.currentTarget);
              }
            }}
          >
            {labels[side] ?? trans.__('Why?')}
          </button>
        );
      })}
    </span>
  );
}

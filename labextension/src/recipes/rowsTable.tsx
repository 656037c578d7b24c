/** Rows and differences as tables. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IPlace, IRows } from '../api/recipes.js';
import { cellText } from '../datasets/words.js';
import { PlainTable } from '../plainTable.js';
import { fixed } from '../result/format.js';

/** Plain rows; text is aligned left. */
export function RowsTable(props: { rows: IRows; label: string; trans: TranslationBundle }): JSX.Element {
  const { columns, rows } = props.rows;
  const left = new Set(columns.flatMap((_, i) => (rows.some(row => typeof row[i] === 'string') ? [i] : [])));
  if (rows.length === 0) {
    return <p className="alphintra-muted">{props.trans.__('No rows.')}</p>;
  }
  return (
    <PlainTable label={props.label} head={columns} left={left}>
      {rows.map((row, i) => (
        <tr key={i}>
          {row.map((value, place) => (
            <td key={place} className={left.has(place) ? 'alphintra-mod-left' : ''}>
              {cellText(value)}
            </td>
          ))}
        </tr>
      ))}
    </PlainTable>
  );
}

/** As many differences as are shown before one asks for more. */
const FEW = 20;
const MORE = 100;

/** Where rows and cells differ: what was, and what is. */
export function PlacesTable(props: {
  places: readonly IPlace[];
  label: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { places, trans } = props;
  const [count, setCount] = React.useState(FEW);
  const words = { added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') };
  const marks = { added: '+', removed: '\u2212', changed: '\u2260' };
  const head = ['', trans.__('symbol'), trans.__('time'), trans.__('column'), trans.__('before'), trans.__('after')];
  return (
    <>
      <PlainTable label={props.label} head={head} left={new Set([0, 1, 2, 3])}>
        {places.slice(0, count).map((place, i) => (
          <tr key={i} data-change={place.change}>
            <td className="alphintra-mod-left">
              <i aria-hidden="true">{marks[place.change]}</i> {words[place.change]}
            </td>
            <td className="alphintra-mod-left">{place.symbol}</td>
            <td className="alphintra-mod-left">{cellText(place.time)}</td>
            <td className="alphintra-mod-left">{place.column ?? trans.__('the whole row')}</td>
            <td>{place.column === null ? '' : cellText(place.old)}</td>
            <td>{place.column === null ? '' : cellText(place.new)}</td>
          </tr>
        ))}
      </PlainTable>
      {places.length > count ? (
        <button type="button" className="alphintra-Chip" onClick={() => setCount(count + MORE)}>
          {trans.__('%1 more places', fixed(places.length - count, 0))}
        </button>
      ) : null}
    </>
  );
}

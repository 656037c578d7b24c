/** Rows and differences as tables. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IPlace, IRows } from '../api/recipes.js';
import type { DatasetCell } from '../api/datasets.js';
import { cellText, columnDecimals } from '../datasets/words.js';
import { PlainTable } from '../plainTable.js';
import { fixed } from '../result/format.js';

/** Plain rows; text is aligned left. */
export function RowsTable(props: { rows: IRows; label: string; trans: TranslationBundle }): JSX.Element {
  const { columns, rows } = props.rows;
  const left = new Set(columns.flatMap((_, i) => (rows.some(row => typeof row[i] === 'string') ? [i] : [])));
  const decimals = columns.map((_, i) => columnDecimals(rows.map(row => row[i])));
  if (rows.length === 0) {
    return <p className="alphintra-muted">{props.trans.__('No rows.')}</p>;
  }
  return (
    <PlainTable label={props.label} head={columns} left={left}>
      {rows.map((row, i) => (
        <tr key={i}>
          {row.map((value, place) => (
            <td key={place} className={left.has(place) ? 'alphintra-mod-left' : ''}>
              {cellText(value, decimals[place])}
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
  const decimals = React.useMemo(() => {
    const columns = [...new Set(places.map(place => place.column))];
    const cellsOf = (column: string | null): DatasetCell[] =>
      places.flatMap(place => (place.column === column ? [place.old, place.new] : []));
    return new Map(columns.map(column => [column, columnDecimals(cellsOf(column))]));
  }, [places]);
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
            <td>{place.column === null ? '' : cellText(place.old, decimals.get(place.column))}</td>
            <td>{place.column === null ? '' : cellText(place.new, decimals.get(place.column))}</td>
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

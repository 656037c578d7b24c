/** The sample of a file with what each of its columns is, to be corrected. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IInspected, IMapping } from '../api/datasets.js';
import { IGroup, groupsOf, isByInstrument, withGroupName, withGroupRole } from './instruments.js';
import { ROLES, TIME_ROLES, answer, IMappingForm, withName, withRole } from './mapping.js';
import { roleText } from './words.js';

interface IProps {
  found: IInspected;
  form: IMappingForm;
  /** Fields with which something is wrong. */
  wrong: ReadonlySet<string>;
  trans: TranslationBundle;
  onChange: (form: IMappingForm) => void;
}

const FORMATS: readonly string[] = [
  '%Y-%m-%d', '%d/%m/%Y', '%m/%d/%Y', '%d.%m.%Y', '%Y.%m.%d', '%Y%m%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S%z',
  '%H:%M:%S', '%H:%M', 'epoch:s', 'epoch:ms', 'epoch:us', 'epoch:ns', 'epoch:mixed', 'native'
];

const NUMBERS = new Set(['open', 'high', 'low', 'close', 'adj_close', 'volume', 'price', 'size', 'bid', 'ask', 'bid_size', 'ask_size', 'value', 'split', 'dividend', 'feature', 'label']);

/** Why a column was given its role, and how sure that is. */
function reasonOf(found: IInspected, mapping: IMapping, place: number): string | undefined {
  const reason = found.reasons.find(own => own.field === `columns[${place}].role`);
  return reason && mapping.columns[place]?.role === reason.value ? reason.reason : undefined;
}

/** Instruments of which the table has rows of its own, where each has columns. */
const SHOWN_INSTRUMENTS = 3;

/** The rows as they are read: where instruments have columns of their own, those of the first ones, one below the other. */
function sampleOf(found: IInspected, { mapping, owners }: IMappingForm, groups: readonly IGroup[]): (string | null)[][] {
  if (!isByInstrument(mapping)) {
    return found.rows.map(row => mapping.columns.map((_, place) => row[place] ?? null));
  }
  const first = [...new Set(mapping.columns.map(column => (column.role === 'ignore' ? '' : (column.symbol ?? ''))))];
  const symbols = first.filter(symbol => symbol !== '').slice(0, SHOWN_INSTRUMENTS);
  const placeOf = (group: IGroup, symbol: string): number | undefined =>
    group.count === 0
      ? group.places[0]
      : group.places.find(place => (mapping.columns[place]!.symbol || owners[place]![0]) === symbol);
  return found.rows.slice(0, 7).flatMap(row =>
    symbols.map(symbol => [
      symbol,
      ...groups.map(group => {
        const place = placeOf(group, symbol);
        return place === undefined ? null : (row[place] ?? null);
      })
    ])
  );
}

export function MappingTable(props: IProps): JSX.Element {
  const { found, form, trans } = props;
  const listId = React.useId();
  const { mapping, owners } = form;
  const isWide = isByInstrument(mapping);
  const groups = React.useMemo(() => groupsOf(mapping, owners), [mapping, owners]);
  const classOf = ({ column }: IGroup): string =>
    [NUMBERS.has(column.role) ? 'alphintra-mod-number' : '', column.role === 'ignore' ? 'alphintra-mod-left-out' : '']
      .filter(Boolean)
      .join(' ');
  const classes = [...(isWide ? [''] : []), ...groups.map(classOf)];
  return (
    <div className="alphintra-Mapping-scroll" data-lm-suppress-shortcuts="true">
      <datalist id={listId}>
        {FORMATS.map(format => (
          <option key={format} value={format} />
        ))}
      </datalist>
      <table aria-label={trans.__('Columns of the file, with some rows')}>
        <thead>
          <tr>
            {isWide ? (
              <th scope="col" className="alphintra-Mapping-whose">
                <span className="alphintra-Mapping-source">{trans.__('symbol')}</span>
                <span className="alphintra-Mapping-count alphintra-muted">{trans.__('from the header')}</span>
              </th>
            ) : null}
            {groups.map(group => (
              <Head key={group.column.position} {...props} group={group} listId={listId} />
            ))}
          </tr>
        </thead>
        <tbody>
          {sampleOf(found, form, groups).map((row, i) => (
            <tr key={i}>
              {row.map((cell, place) => (
                <td key={place} className={classes[place]}>
                  {cell ?? ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What a column is, or the columns of a field that several instruments have. */
function Head(props: IProps & { group: IGroup; listId: string }): JSX.Element {
  const { found, form, wrong, trans, onChange, group, listId } = props;
  const { mapping, owners } = form;
  const { column } = group;
  const place = column.position;
  const isOfMany = group.count > 0;
  const label = group.label || trans.__('column %1', place + 1);
  const formatField = `columns[${place}].format`;
  const isTime = TIME_ROLES.includes(column.role);
  const reason = reasonOf(found, mapping, place);
  const change = (next: IMapping): void => onChange({ ...form, mapping: next });
  // A time is all instruments', and nobody's symbol is in a cell.
  const isNone = (role: string): boolean =>
    (isByInstrument(mapping) && role === 'symbol') || (isOfMany && TIME_ROLES.includes(role));
  const choices = ROLES[mapping.kind].filter(role => !isNone(role));
  const of = group.places.filter(own => mapping.columns[own]!.role !== 'ignore').length;
  return (
    <th
      scope="col"
      className={column.role === 'ignore' ? 'alphintra-mod-left-out' : isTime ? 'alphintra-mod-time' : ''}
    >
      <span className="alphintra-Mapping-source" title={[label, reason].filter(Boolean).join('\n')}>
        {label}
      </span>
      {isOfMany ? (
        <span className="alphintra-Mapping-count alphintra-muted">
          {of === group.count || of === 0
            ? trans.__('of %1 instruments', group.count)
            : trans.__('of %1 of %2 instruments', of, group.count)}
        </span>
      ) : isByInstrument(mapping) ? (
        <span className="alphintra-Mapping-count alphintra-muted">{trans.__('of all')}</span>
      ) : null}
      <select
        className="alphintra-Input"
        aria-label={trans.__('What %1 is', label)}
        title={reason}
        value={column.role}
        onChange={({ target }) =>
          change(isOfMany ? withGroupRole(mapping, owners, group, target.value) : withRole(mapping, place, target.value))
        }
      >
        {[...new Set([...choices, column.role])].map(role => (
          <option key={role} value={role}>
            {roleText(role, trans)}
          </option>
        ))}
      </select>
      {isTime ? (
        <input
          className="alphintra-Input"
          list={listId}
          aria-label={trans.__('How the times of %1 are written', label)}
          aria-invalid={wrong.has(formatField)}
          spellCheck={false}
          placeholder="%Y-%m-%d"
          value={column.format}
          onChange={event => onChange(answer(form, formatField, event.target.value))}
        />
      ) : column.role === 'symbol' || column.role === 'ignore' || mapping.kind === 'reference' ? (
        <span className="alphintra-Mapping-none" />
      ) : (
        <input
          className="alphintra-Input"
          aria-label={trans.__('What the dataset calls %1', label)}
          aria-invalid={group.places.some(own => wrong.has(`columns[${own}].name`))}
          spellCheck={false}
          value={column.name}
          onChange={({ target }) =>
            change(isOfMany ? withGroupName(mapping, group, target.value) : withName(mapping, place, target.value))
          }
        />
      )}
    </th>
  );
}

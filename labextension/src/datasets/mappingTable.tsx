/** The sample of a file with what each of its columns is, to be corrected. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IInspected, IMapping } from '../api/datasets.js';
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

export function MappingTable({ found, form, wrong, trans, onChange }: IProps): JSX.Element {
  const listId = React.useId();
  const { mapping } = form;
  const change = (next: IMapping): void => onChange({ ...form, mapping: next });
  const isNumber = mapping.columns.map(column => NUMBERS.has(column.role));
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
            {mapping.columns.map(column => {
              const place = column.position;
              const label = column.source || trans.__('column %1', place + 1);
              const formatField = `columns[${place}].format`;
              const isTime = TIME_ROLES.includes(column.role);
              const reason = reasonOf(found, mapping, place);
              return (
                <th
                  key={place}
                  scope="col"
                  className={column.role === 'ignore' ? 'alphintra-mod-left-out' : isTime ? 'alphintra-mod-time' : ''}
                >
                  <span className="alphintra-Mapping-source" title={[label, reason].filter(Boolean).join('\n')}>
                    {label}
                  </span>
                  <select
                    className="alphintra-Input"
                    aria-label={trans.__('What %1 is', label)}
                    title={reason}
                    value={column.role}
                    onChange={event => change(withRole(mapping, place, event.target.value))}
                  >
                    {[...new Set([...ROLES[mapping.kind], column.role])].map(role => (
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
                      aria-invalid={wrong.has(`columns[${place}].name`)}
                      spellCheck={false}
                      value={column.name}
                      onChange={event => change(withName(mapping, place, event.target.value))}
                    />
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {found.rows.map((row, i) => (
            <tr key={i}>
              {mapping.columns.map((column, place) => (
                <td
                  key={place}
                  className={[
                    isNumber[place] ? 'alphintra-mod-number' : '',
                    column.role === 'ignore' ? 'alphintra-mod-left-out' : ''
                  ]
                    .filter(Boolean)
                    .join(' ')}
                >
                  {row[place] ?? ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A file of splits, dividends and symbols: which of its columns say what happened, when, and from when it was known. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IInspected } from '../api/datasets.js';
import { SelectField, TextField } from '../run/field.js';
import {
  EX_DATE,
  IMappingForm,
  answer,
  eventsBeside,
  openQuestions,
  withColumnOf,
  withKind
} from './mapping.js';
import { EXAMPLES } from './mappingQuestions.js';
import { roleText } from './words.js';

interface IProps {
  found: IInspected;
  form: IMappingForm;
  trans: TranslationBundle;
  onChange: (form: IMappingForm) => void;
  /** What becomes of it where a connector says that. */
  becomes?: unknown;
}

/** The column of a role, to be chosen here as well as in the table. */
function ColumnField(props: IProps & { role: string; label: string; none: string; hint?: string | null }): JSX.Element {
  const { form, trans, role, onChange } = props;
  const { columns } = form.mapping;
  const own = columns.find(column => column.role === role);
  const named = columns.map(
    ({ position, source }) => [String(position), source || trans.__('column %1', position + 1)] as const
  );
  return (
    <SelectField
      name={role}
      label={props.label}
      value={own === undefined ? '' : String(own.position)}
      options={[['', props.none] as const, ...named]}
      complaint={null}
      hint={props.hint ?? null}
      onChange={place => onChange({ ...form, mapping: withColumnOf(form.mapping, role, place === '' ? null : Number(place)) })}
    />
  );
}

/** How the first ratio of a column is understood, where one is written as such. */
function ratioHint(found: IInspected, form: IMappingForm, role: string): string | null {
  const place = form.mapping.columns.find(column => column.role === role)?.position;
  const reason = found.reasons.find(own => own.field === `columns[${place ?? ''}].ratio`)?.reason;
  return reason === undefined ? null : `${reason}.`;
}

export function EventFields(props: IProps): JSX.Element {
  const { found, form, trans, onChange } = props;
  const { mapping } = form;
  const having = (role: string): boolean => mapping.columns.some(column => column.role === role);
  const isWide = !having('event');
  const knows = having('known_at');
  const rule = mapping.known_from ?? '';
  const isAsked = openQuestions(found, form).some(question => question.field === 'known_from');
  const time = mapping.columns.find(column => column.role === 'time' || column.role === 'date');
  const none = trans.__('no column');
  return (
    <>
      <ColumnField
        {...props}
        role="event"
        label={trans.__('Kind of event')}
        none={trans.__('a column for each kind')}
        hint={isWide ? null : trans.__('split, dividend, symbol, listing or delisting in each row')}
      />
      {isWide ? (
        <>
          <ColumnField
            {...props}
            role="split"
            label={trans.__('Splits')}
            none={none}
            hint={ratioHint(found, form, 'split') ?? trans.__('New shares for an old one: 4, 4:1, 4/1 or 4-for-1.')}
          />
          <ColumnField
            {...props}
            role="dividend"
            label={trans.__('Dividends')}
            none={none}
            hint={trans.__('Money for a share; where a cell is 0 or empty, nothing happened.')}
          />
        </>
      ) : (
        <ColumnField
          {...props}
          role="value"
          label={trans.__('Ratio, amount')}
          none={none}
          hint={
            ratioHint(found, form, 'value') ??
            trans.__('Of a split: 4, 4:1, 4/1 or 4-for-1; of a dividend: money for a share.')
          }
        />
      )}
      <ColumnField
        {...props}
        role={time?.role ?? 'time'}
        label={trans.__('Ex-date')}
        none={none}
        hint={time?.format ? trans.__('Written %1.', time.format) : null}
      />
      <ColumnField {...props} role="known_at" label={trans.__('Known at')} none={none} />
      <TextField
        name="known_from"
        label={trans.__('Known from')}
        value={rule}
        options={[EX_DATE]}
        placeholder={knows ? trans.__('as its column says') : EXAMPLES.known_from}
        complaint={
          knows || isAsked || rule.trim() !== ''
            ? null
            : trans.__('From when were the events known? Write %1 (each from its own date on), or one date for all.', EX_DATE)
        }
        hint={trans.__('Of rows whose cell is empty: %1, its own date; or one date for all.', EX_DATE)}
        onChange={own => onChange(answer(form, 'known_from', own))}
      />
    </>
  );
}

/** What is said where a file holds prices and events: each is read by a look of its own. */
export function EventsNote({ found, form, trans, onChange, becomes }: IProps): JSX.Element | null {
  const beside = eventsBeside(found);
  const { kind, columns } = form.mapping;
  if (beside.length === 0 || !['bars', 'reference'].includes(kind)) {
    return null;
  }
  const names = beside.map(({ position, role }) => columns[position]?.source || roleText(role, trans)).join(', ');
  const isEvents = kind === 'reference';
  const isAdjusted = ['splits', 'splits_and_dividends'].includes(form.mapping.adjustment);
  const other = isEvents ? found.mapping.kind : 'reference';
  const { about } = form;
  // Events that became the next version of the prices would take their place.
  const dataset = isEvents ? about.dataset.replace(/-events$/, '') : `${about.dataset}-events`;
  return (
    <p className="alphintra-Mapping-note">
      <i aria-hidden="true">i</i>
      <span>
        {isEvents
          ? trans.__('Only %1 are read; the prices of the file become a dataset of their own.', names)
          : trans.__(
              'The file has %1 beside its prices. They become a dataset of their own, with which runs trade raw prices: %2',
              names,
              becomes
                ? trans.__('a second connector reads them.')
                : trans.__('add the file once more to read them as well.')
            )}
        {isEvents || !isAdjusted ? '' : ` ${trans.__('Prices that are adjusted already need none of it.')}`}
      </span>
      <button
        type="button"
        className="alphintra-Button"
        onClick={() => onChange({ ...form, about: { ...about, dataset }, mapping: withKind(form.mapping, other, found) })}
      >
        {isEvents ? trans.__('Read the prices') : trans.__('Read splits and dividends')}
      </button>
    </p>
  );
}

/** The fields of a connector's form, each with its hint or what is wrong with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { plain } from '../recipes/words.js';
import { CheckField, Field, SelectField, TextField } from '../run/field.js';
import { IConnectorForm, fieldText } from './form.js';
import type { IFormField } from './schema.js';
import { fieldLabel } from './words.js';

interface IProps {
  fields: readonly IFormField[];
  form: IConnectorForm;
  /** What is wrong, by path. */
  complaints: ReadonlyMap<string, string>;
  /** Fields that stand as they are. */
  fixed?: ReadonlySet<string>;
  trans: TranslationBundle;
  onWrite: (path: string, text: string | boolean) => void;
}

/** What may be chosen of very many: written, with help. */
const HELP: Readonly<Record<string, () => readonly string[]>> = {
  time_zone: () => ['UTC', ...Intl.supportedValuesOf('timeZone')],
  after_close: () => ['XNYS', 'XNAS', 'XLON', 'XETR', 'XTKS', '24/7', 'weekdays'],
  calendar: () => ['XNYS', 'XNAS', 'XLON', 'XETR', 'XTKS', '24/7', 'weekdays'],
  asset_class: () => ['STOCKS', 'CRYPTO', 'FOREX', 'FUTURES', 'INDEX', 'RATES', 'COMMODITIES'],
  exchange: () => ['binance', 'bitstamp', 'bybit', 'coinbase', 'kraken', 'kucoin', 'okx']
};

function hintOf(field: IFormField, trans: TranslationBundle): string {
  const how =
    field.kind === 'list'
      ? trans.__('With commas between.')
      : field.kind === 'pairs'
        ? trans.__('One a line: Authorization: Bearer \u2026')
        : '';
  return [plain(field.description), how].filter(Boolean).join(' ');
}

function OneField(props: IProps & { field: IFormField }): JSX.Element {
  const { field, form, complaints, trans } = props;
  const written = fieldText(field, form);
  const text = String(written);
  const write = (next: string | boolean): void => props.onWrite(field.path, next);
  const hint = hintOf(field, trans);
  const wrong = complaints.get(field.path);
  const common = {
    name: field.path,
    label: fieldLabel(field.name, trans),
    hint,
    // Beside what is wrong it stays said what is right: the examples stand there.
    complaint: wrong === undefined ? null : [wrong.replace(/[^.?!]$/, '$&.'), hint].filter(Boolean).join(' ')
  };
  const isFixed = props.fixed?.has(field.path) ?? false;
  const isSecret = field.path.startsWith('secret.');
  if (field.kind === 'yes') {
    return <CheckField name={field.path} label={common.label} checked={written === true} onChange={write} />;
  }
  if (field.kind === 'choice') {
    return (
      <SelectField
        {...common}
        value={text}
        disabled={isFixed}
        options={field.choices.map(own => [own, own] as const)}
        onChange={write}
      />
    );
  }
  if (field.kind === 'long' || field.kind === 'pairs') {
    return (
      <Field {...common}>
        {attributes => (
          <textarea
            {...attributes}
            // What is secret is not to be read over a shoulder, nor kept by the browser.
            className={`${attributes.className} ${isSecret ? 'alphintra-mod-secret' : ''}`}
            autoComplete="off"
            rows={field.name === 'query' ? 6 : 3}
            spellCheck={false}
            value={text}
            onChange={event => write(event.target.value)}
          />
        )}
      </Field>
    );
  }
  if (isSecret) {
    return (
      <Field {...common}>
        {attributes => (
          <input
            {...attributes}
            type="password"
            autoComplete="new-password"
            value={text}
            onChange={event => write(event.target.value)}
          />
        )}
      </Field>
    );
  }
  return (
    <TextField
      {...common}
      value={text}
      decimal={field.kind === 'whole'}
      disabled={isFixed}
      placeholder={field.kind === 'time' ? '2020-01-31' : undefined}
      options={HELP[field.name]?.()}
      onChange={write}
    />
  );
}

export function Fields(props: IProps): JSX.Element {
  return (
    <>
      {props.fields.map(field => (
        <OneField key={field.path} {...props} field={field} />
      ))}
    </>
  );
}

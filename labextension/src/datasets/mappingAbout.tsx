/** What a file becomes: the dataset's name, and what no file says of itself. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { CheckField, TextField } from '../run/field.js';
import type { IAbout, IMappingForm } from './mapping.js';

interface IProps {
  form: IMappingForm;
  trans: TranslationBundle;
  onChange: (form: IMappingForm) => void;
}

interface IAboutProps extends IProps {
  /** What is wrong with the dataset's name. */
  nameComplaint: string | null;
}

const FRAMES: readonly string[] = ['1min', '5min', '15min', '30min', '1h', '4h', '1d', '1w', '1mo'];
const ASSETS: readonly string[] = ['STOCKS', 'CRYPTO', 'FOREX', 'FUTURES', 'INDEX', 'RATES', 'COMMODITIES'];
const CALENDARS: readonly string[] = ['XNYS', 'XNAS', 'XLON', 'XETR', 'XTKS', '24/7', 'weekdays'];

/** What becomes of it, and what no file says of itself. */
export function About({ form, trans, onChange, nameComplaint }: IAboutProps): JSX.Element {
  const { about, mapping } = form;
  // Events are of any exchange, currency and time frame: nothing of it is kept with them.
  const isPrices = mapping.kind !== 'reference';
  const change = (change: Partial<IAbout>): void => onChange({ ...form, about: { ...about, ...change } });
  return (
    <fieldset className="alphintra-Mapping-fields">
      <legend>{trans.__('What it becomes')}</legend>
      <TextField
        name="dataset"
        label={trans.__('Dataset')}
        value={about.dataset}
        complaint={nameComplaint}
        hint={trans.__('Of a name that you have, it becomes the next version.')}
        onChange={dataset => change({ dataset })}
      />
      {isPrices ? <Market form={form} trans={trans} onChange={onChange} /> : null}
      <div className="alphintra-Mapping-checks">
        <CheckField
          name="append"
          label={trans.__('Add the rows to the current version')}
          checked={about.append}
          onChange={append => change({ append })}
        />
        {isPrices ? (
          <CheckField
            name="simulated"
            label={trans.__('Simulated: nobody traded at these prices')}
            checked={about.simulated}
            onChange={simulated => change({ simulated })}
          />
        ) : null}
        <CheckField
          name="sealed"
          label={trans.__('Sealed: its files are encrypted')}
          checked={about.sealed}
          onChange={sealed => change({ sealed })}
        />
      </div>
    </fieldset>
  );
}

/** Where and how it is traded. */
function Market({ form, trans, onChange }: IProps): JSX.Element {
  const { about } = form;
  const change = (change: Partial<IAbout>): void => onChange({ ...form, about: { ...about, ...change } });
  return (
    <>
      <TextField
        name="asset_class"
        label={trans.__('Asset class')}
        value={about.asset_class}
        options={ASSETS}
        placeholder={trans.__('other')}
        complaint={/^[A-Z_]{0,20}$/.test(about.asset_class) ? null : trans.__('Capital letters, such as STOCKS.')}
        onChange={own => change({ asset_class: own.toUpperCase() })}
      />
      <TextField
        name="timeframe"
        label={trans.__('Time frame')}
        value={about.timeframe}
        options={FRAMES}
        placeholder={trans.__('read off the times')}
        complaint={null}
        onChange={timeframe => change({ timeframe })}
      />
      <TextField
        name="calendar"
        label={trans.__('Calendar')}
        value={about.calendar}
        options={CALENDARS}
        placeholder={trans.__('found')}
        complaint={null}
        onChange={calendar => change({ calendar })}
      />
      <TextField
        name="currency"
        label={trans.__('Currency')}
        value={about.currency}
        placeholder={trans.__('not said')}
        complaint={/^[A-Za-z]{0,3}$/.test(about.currency) ? null : trans.__('Three letters, such as USD.')}
        onChange={currency => change({ currency })}
      />
    </>
  );
}

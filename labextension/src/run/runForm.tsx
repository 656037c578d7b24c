/** The form of the run dialog: data, money and costs on the left, the method on the right. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IStrategyClass } from '../api/types.js';
import { IComplaint, complaintText } from './complaints.js';
import { COMMISSION_TERMS, SLIPPAGE_TERMS } from './costs.js';
import { IOption, SelectField, TextField } from './field.js';
import { IFields, PROFILES, withClass } from './form.js';
import { MethodForm } from './methodForm.js';

export interface IFormProps {
  classes: readonly IStrategyClass[];
  datasets: readonly IOption[];
  fields: IFields;
  complaints: readonly IComplaint[];
  /** What is wrong and belongs to no field. */
  problem: string | null;
  /** Counts how often the form was sent: the first complaint gets the focus then, and not while one writes. */
  attempt: number;
  /** Whether the run is being sent. */
  busy: boolean;
  trans: TranslationBundle;
  onChange: (fields: IFields) => void;
}

type Terms = Record<string, readonly [label: string, hint: string]>;

function commissionTerms(trans: TranslationBundle): Terms {
  return {
    per_share: [trans.__('Per share'), trans.__('money per unit')],
    minimum: [trans.__('Minimum'), trans.__('smallest fee of an order')],
    maximum: [trans.__('Maximum'), trans.__('largest fee of an order')],
    fixed: [trans.__('Per order'), trans.__('money per order that fills')],
    maker: [trans.__('Maker'), trans.__('fraction for limit orders')],
    taker: [trans.__('Taker'), trans.__('fraction for all others')],
    maximum_percent: [trans.__('Largest share'), trans.__("fraction of the order's value")],
    tiers: [trans.__('Tiers'), '10000: 0.001, 0.0005']
  };
}

function slippageTerms(trans: TranslationBundle): Terms {
  return {
    fixed: [trans.__('Distance'), trans.__('in price')],
    spread: [trans.__('Spread'), trans.__('in price; half is paid')],
    volume_share: [trans.__('Impact'), 'a \u00d7 (fill / volume)\u00b2']
  };
}

function Costs(
  props: IFormProps & {
    change: (next: Partial<IFields>) => void;
    complaint: (field: string) => string | null;
  }
): JSX.Element {
  const { fields, trans, change, complaint } = props;
  const given = [
    ...Object.values(fields.commissionTerms),
    ...Object.values(fields.slippageTerms)
  ].filter(text => text.trim() !== '').length;
  const wrong = props.complaints.some(item => /^(commission|slippage)\./.test(item.field));
  const [open, setOpen] = React.useState(given > 0);
  React.useEffect(() => {
    if (wrong) {
      setOpen(true);
    }
  }, [wrong]);
  const terms = (
    cost: 'commission' | 'slippage',
    names: readonly string[],
    texts: Terms
  ): JSX.Element => {
    const key = cost === 'commission' ? 'commissionTerms' : 'slippageTerms';
    return (
      <div className="alphintra-Form-pair">
        {names.map(name => (
          <TextField
            key={name}
            name={`${cost}.${name}`}
            label={texts[name]![0]}
            hint={texts[name]![1]}
            complaint={complaint(`${cost}.${name}`)}
            decimal={name !== 'tiers'}
            placeholder={trans.__('none')}
            value={fields[key][name] ?? ''}
            onChange={value => change({ [key]: { ...fields[key], [name]: value } })}
          />
        ))}
      </div>
    );
  };
  return (
    <details
      className="alphintra-Form-costs"
      open={open}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>
        {given > 0
          ? trans._n('More costs: %1 term', 'More costs: %1 terms', given, given)
          : trans.__('More costs: per share, minimum, spread, impact')}
      </summary>
      <h4>{trans.__('Commission')}</h4>
      {terms('commission', COMMISSION_TERMS, commissionTerms(trans))}
      <h4>{trans.__('Slippage')}</h4>
      {terms('slippage', SLIPPAGE_TERMS, slippageTerms(trans))}
    </details>
  );
}

export function RunForm(props: IFormProps): JSX.Element {
  const { classes, fields, trans } = props;
  const root = React.useRef<HTMLDivElement>(null);
  const strategy = classes.find(item => item.name === fields.className)!;
  const change = (next: Partial<IFields>): void => props.onChange({ ...fields, ...next });
  const complaint = (field: string): string | null => {
    const found = props.complaints.find(item => item.field === field);
    return found ? complaintText(found, trans) : null;
  };
  React.useEffect(() => {
    const first = props.complaints[0]?.field;
    if (first) {
      const place = [...(root.current?.querySelectorAll<HTMLElement>('[data-field]') ?? [])].find(
        node => node.dataset.field === first
      );
      place?.scrollIntoView({ block: 'nearest' });
      place?.querySelector<HTMLElement>('input, select')?.focus();
    }
  }, [props.attempt]);
  const amount = (
    name: 'cash' | 'commission' | 'slippage',
    label: string,
    hint: string
  ): JSX.Element => (
    <TextField
      name={name}
      label={label}
      hint={hint}
      complaint={complaint(name)}
      decimal
      value={fields[name]}
      onChange={value => change({ [name]: value })}
    />
  );
  return (
    <div ref={root} className="alphintra-Form" aria-busy={props.busy}>
      {props.problem !== null ? (
        <p className="alphintra-Problem" role="alert">
          {props.problem}
        </p>
      ) : null}
      <div className="alphintra-Form-columns">
        <section className="alphintra-Form-column" aria-label={trans.__('Run')}>
          {classes.length > 1 ? (
            <SelectField
              name="class"
              label={trans.__('Strategy')}
              hint={strategy.doc?.split('\n')[0] ?? null}
              complaint={null}
              value={fields.className}
              options={classes.map(item => [item.name, item.name] as const)}
              onChange={name =>
                props.onChange(
                  withClass(fields, classes.find(item => item.name === name)!)
                )
              }
            />
          ) : null}
          <TextField
            name="dataset"
            label={trans.__('Dataset')}
            hint={trans.__('a name, or name/SYMBOL for one symbol')}
            complaint={complaint('dataset')}
            options={props.datasets}
            value={fields.dataset}
            onChange={dataset => change({ dataset })}
          />
          <div className="alphintra-Form-pair">
            <TextField
              name="start"
              label={trans.__('From')}
              hint={trans.__('first day, YYYY-MM-DD')}
              placeholder={trans.__('start of the data')}
              complaint={complaint('start')}
              value={fields.start}
              onChange={start => change({ start })}
            />
            <TextField
              name="end"
              label={trans.__('To')}
              hint={trans.__('last day')}
              placeholder={trans.__('end of the data')}
              complaint={complaint('end')}
              value={fields.end}
              onChange={end => change({ end })}
            />
          </div>
          <TextField
            name="benchmark"
            label={trans.__('Benchmark')}
            hint={trans.__('one symbol to compare with')}
            placeholder={trans.__('none')}
            complaint={complaint('benchmark')}
            options={props.datasets}
            value={fields.benchmark}
            onChange={benchmark => change({ benchmark })}
          />
          <TextField
            name="reference"
            label={trans.__('Splits, dividends')}
            hint={trans.__('a dataset of them, for raw prices')}
            placeholder={trans.__('as in the data')}
            complaint={complaint('reference')}
            options={props.datasets}
            value={fields.reference}
            onChange={reference => change({ reference })}
          />
          <SelectField
            name="profile"
            label={trans.__('Profile')}
            hint={trans.__('whose rules fill orders')}
            complaint={complaint('profile')}
            value={fields.profile}
            options={PROFILES.map(name => [name, name] as const)}
            onChange={profile => change({ profile })}
          />
          {amount('cash', trans.__('Cash'), trans.__('capital at the start'))}
          {amount(
            'commission',
            trans.__('Commission'),
            trans.__('fraction of the traded value')
          )}
          {amount('slippage', trans.__('Slippage'), trans.__('fraction of the price'))}
          <Costs {...props} change={change} complaint={complaint} />
        </section>
        <MethodForm
          fields={fields}
          strategy={strategy}
          trans={trans}
          change={change}
          complaint={complaint}
        />
      </div>
    </div>
  );
}

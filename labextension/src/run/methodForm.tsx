/** The right half of the run dialog: the method, the parameters or their grid, and what the method needs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IParameter, IStrategyClass } from '../api/types.js';
import { fixed } from '../result/format.js';
import { CheckField, SelectField, TextField } from './field.js';
import type { IFields } from './form.js';
import { countOf, isCountable, isVaried, readValues } from './grid.js';
import {
  IMethodFields,
  METHODOLOGIES,
  METRICS,
  Methodology,
  USUAL_PATHS,
  hasGrid,
  readGrid
} from './method.js';
import { methodologyLabel } from './methodology.js';

interface IProps {
  fields: IFields;
  strategy: IStrategyClass;
  trans: TranslationBundle;
  change: (next: Partial<IFields>) => void;
  complaint: (field: string) => string | null;
}

function meaning(name: Methodology, trans: TranslationBundle): string {
  return {
    STANDARD: trans.__('One run over the whole period.'),
    SWEEP: trans.__('Many parameter sets on the same data, and how much of the best one is luck.'),
    WALK_FORWARD: trans.__('Parameters chosen on one stretch and traded on the next, over and over.'),
    MONTE_CARLO: trans.__('What else could have happened: the run resampled many times.')
  }[name];
}

function bounds(parameter: IParameter, trans: TranslationBundle): string | null {
  return typeof parameter.low === 'number' && typeof parameter.high === 'number'
    ? trans.__('%1 to %2', parameter.low, parameter.high)
    : null;
}

function Parameters(props: IProps): JSX.Element {
  const { fields, strategy, trans, change } = props;
  return (
    <>
      {Object.entries(strategy.parameters).map(([name, parameter]) => (
        <TextField
          key={`${fields.className}.${name}`}
          name={`parameters.${name}`}
          label={name}
          hint={
            parameter.description ||
            bounds(parameter, trans) ||
            trans.__('parameter of the strategy')
          }
          complaint={props.complaint(`parameters.${name}`)}
          value={fields.parameters[name] ?? ''}
          onChange={value =>
            change({ parameters: { ...fields.parameters, [name]: value } })
          }
        />
      ))}
      {Object.keys(strategy.parameters).length === 0 ? (
        <p className="alphintra-muted">
          {trans.__('%1 has no parameters.', strategy.name)}
        </p>
      ) : null}
    </>
  );
}

/** What a text of a grid means, while it is written. */
function valuesHint(
  text: string,
  parameter: IParameter,
  drawn: boolean,
  trans: TranslationBundle
): string {
  const read = readValues(text, parameter);
  const allowed = bounds(parameter, trans);
  let meant = trans.__('low:high:step, or values with commas');
  if ('values' in read) {
    meant = !isVaried(read.values)
      ? trans.__('fixed')
      : drawn && !isCountable(read.values)
        ? trans.__('any value between')
        : trans._n('%2 value', '%2 values', countOf(read.values), fixed(countOf(read.values), 0));
  }
  return allowed === null
    ? meant
    : `${meant} \u00b7 ${trans.__('allowed %1', allowed)}`;
}

function Grid(props: IProps & { drawn: boolean }): JSX.Element {
  const { fields, strategy, trans, change, drawn } = props;
  const { count } = readGrid(fields.grid, strategy.parameters, drawn, []);
  const wrong = props.complaint('method.grid');
  const constrained = fields.method.constraint.trim() !== '';
  return (
    <>
      {Object.entries(strategy.parameters).map(([name, parameter]) => (
        <TextField
          key={`${fields.className}.${name}`}
          name={`method.grid.${name}`}
          label={name}
          hint={valuesHint(fields.grid[name] ?? '', parameter, drawn, trans)}
          complaint={props.complaint(`method.grid.${name}`)}
          value={fields.grid[name] ?? ''}
          onChange={value => change({ grid: { ...fields.grid, [name]: value } })}
        />
      ))}
      <p
        className={`alphintra-Form-count ${wrong ? 'alphintra-Field-complaint' : 'alphintra-muted'}`}
        role="status"
        data-field="method.grid"
      >
        {wrong ??
          (drawn
            ? trans.__('Drawn from these values: as many trials as you say')
            : count === null
              ? trans.__('Variants: not readable yet')
              : constrained
                ? trans._n(
                    '%2 combination before the constraint',
                    '%2 combinations before the constraint',
                    count,
                    fixed(count, 0)
                  )
                : trans._n('%2 variant', '%2 variants', count, fixed(count, 0)))}
      </p>
    </>
  );
}

function MethodFields(props: IProps): JSX.Element | null {
  const { fields, trans, complaint } = props;
  const { method, methodology } = fields;
  const set = (next: Partial<IMethodFields>): void =>
    props.change({ method: { ...method, ...next } });
  const text = (
    name: Exclude<keyof IMethodFields, 'anchored' | 'flatten' | 'search' | 'resample'>,
    label: string,
    hint: string,
    more: { options?: readonly string[]; placeholder?: string; disabled?: boolean } = {}
  ): JSX.Element => (
    <TextField
      key={name}
      name={`method.${name}`}
      label={label}
      hint={hint}
      complaint={complaint(`method.${name}`)}
      value={method[name]}
      onChange={value => set({ [name]: value })}
      {...more}
    />
  );
  const seed = text('seed', trans.__('Seed'), trans.__('the same seed, the same draws'));
  if (methodology === 'STANDARD') {
    return null;
  }
  if (methodology === 'MONTE_CARLO') {
    return (
      <>
        <SelectField
          name="method.resample"
          label={trans.__('Resample')}
          hint={
            {
              returns: trans.__('session returns in blocks (stationary bootstrap)'),
              trades: trans.__('closed trades, with replacement'),
              order: trans.__('the same trades in another order'),
              prices: trans.__('prices with noise; the strategy runs on each path')
            }[method.resample]
          }
          complaint={complaint('method.resample')}
          value={method.resample}
          options={[
            ['returns', trans.__('Returns')],
            ['trades', trans.__('Trades')],
            ['order', trans.__('Order of trades')],
            ['prices', trans.__('Prices')]
          ]}
          onChange={resample => set({ resample })}
        />
        <div className="alphintra-Form-pair">
          {text('paths', trans.__('Paths'), trans.__('empty is the usual number'), {
            placeholder: String(
              method.resample === 'prices' ? USUAL_PATHS.prices : USUAL_PATHS.other
            )
          })}
          {seed}
        </div>
      </>
    );
  }
  const selection = (
    <>
      {text('constraint', trans.__('Constraint'), trans.__('optional, such as fast < slow'))}
      {text(
        'metric',
        trans.__('Metric'),
        methodology === 'SWEEP'
          ? trans.__('what the variants are ranked by')
          : trans.__('what chooses a variant in training'),
        { options: METRICS }
      )}
    </>
  );
  if (methodology === 'SWEEP') {
    const all = method.search === 'grid';
    return (
      <>
        {selection}
        <SelectField
          name="method.search"
          label={trans.__('Search')}
          complaint={complaint('method.search')}
          value={method.search}
          options={[
            ['grid', trans.__('Grid: every combination')],
            ['random', trans.__('Random draws')],
            ['optuna', trans.__('Optuna: learns from earlier trials')]
          ]}
          onChange={search => set({ search })}
        />
        <div className="alphintra-Form-pair">
          {text(
            'trials',
            trans.__('Trials'),
            all ? trans.__('a grid runs all') : trans.__('how many are drawn'),
            { disabled: all }
          )}
          {seed}
        </div>
      </>
    );
  }
  return (
    <>
      {selection}
      <div className="alphintra-Form-pair">
        {text('train', trans.__('Training window'), trans.__('2Y, 6M, 8W, 90D or sessions'))}
        {text('test', trans.__('Test window'), trans.__('traded with what training chose'))}
        {text('step', trans.__('Step'), trans.__('empty is the test window'), {
          placeholder: method.test
        })}
        {text('purge', trans.__('Purge'), trans.__('bars dropped before each test'))}
        {text('min_trades', trans.__('Fewest trades'), trans.__('a variant needs in training'))}
        <div className="alphintra-Form-checks">
          <CheckField
            name="method.anchored"
            label={trans.__('Anchored: training grows')}
            checked={method.anchored}
            onChange={anchored => set({ anchored })}
          />
          <CheckField
            name="method.flatten"
            label={trans.__('Flat between windows')}
            checked={method.flatten}
            onChange={flatten => set({ flatten })}
          />
        </div>
      </div>
    </>
  );
}

export function MethodForm(props: IProps): JSX.Element {
  const { fields, trans, change } = props;
  const group = React.useId();
  return (
    <section className="alphintra-Form-column" aria-label={trans.__('Method')}>
      <div
        className="alphintra-Choices"
        role="radiogroup"
        aria-label={trans.__('Method')}
        data-field="methodology"
      >
        {METHODOLOGIES.map(name => (
          <label key={name}>
            <input
              type="radio"
              name={group}
              value={name}
              checked={fields.methodology === name}
              onChange={() => change({ methodology: name })}
            />
            <span>{methodologyLabel(name, trans)}</span>
          </label>
        ))}
      </div>
      <p className="alphintra-Form-meaning alphintra-muted">
        {props.complaint('methodology') ?? meaning(fields.methodology, trans)}
      </p>
      {hasGrid(fields.methodology) ? (
        <Grid
          {...props}
          drawn={fields.methodology === 'SWEEP' && fields.method.search !== 'grid'}
        />
      ) : (
        <Parameters {...props} />
      )}
      <MethodFields {...props} />
    </section>
  );
}

/** One step of a recipe: its fields as the schema has them, its place, what is wrong with it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretUpIcon, closeIcon, LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Field, IOption, SelectField, TextField } from '../run/field.js';
import { fieldText, listOf } from './draft.js';
import type { IStep, RecipeModel } from './model.js';
import type { IParameter, IStepKind } from './schema.js';
import { kindText, nameText, plain } from './words.js';

interface IProps {
  step: IStep;
  kind: IStepKind;
  /** From 1. */
  number: number;
  isLast: boolean;
  model: RecipeModel;
  /** Columns that there are before it. */
  columns: readonly string[];
  /** Datasets that can be joined, as `name@3`. */
  datasets: readonly IOption[];
  /** That it told of later rows, and of which. */
  leak: string | null;
  trans: TranslationBundle;
  onRemove: () => void;
}

/** As many columns as can be pressed; of more, their names are written. */
const MOST_PRESSED = 24;

/** Some columns: written, and pressed where they are few. */
function ColumnsField(props: {
  parameter: IParameter;
  value: string;
  columns: readonly string[];
  hint: string;
  complaint: string | null;
  onChange: (text: string) => void;
}): JSX.Element {
  const { parameter, value, columns, onChange } = props;
  const chosen = listOf(value);
  const press = (name: string): void =>
    onChange((chosen.includes(name) ? chosen.filter(own => own !== name) : [...chosen, name]).join(', '));
  return (
    <div className="alphintra-Step-columns">
      <TextField
        name={parameter.name}
        label={nameText(parameter.name)}
        hint={props.hint}
        complaint={props.complaint}
        value={value}
        onChange={onChange}
      />
      {columns.length > MOST_PRESSED ? null : (
        <div role="group" aria-label={nameText(parameter.name)}>
          {columns.map(name => (
            <button
              key={name}
              type="button"
              className="alphintra-Chip"
              aria-pressed={chosen.includes(name)}
              onClick={() => press(name)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function ParameterField(props: IProps & { parameter: IParameter }): JSX.Element {
  const { step, parameter, model, columns, trans } = props;
  const written = fieldText(parameter, step.texts);
  const write = (text: string | boolean): void => model.write(step.key, parameter.name, text);
  const text = String(written);
  const said = plain(parameter.description);
  const hint = parameter.unit ? trans.__('%1 In %2.', said, parameter.unit) : said;
  const wrong = model.complaintOf(step.key, parameter.name);
  // Beside what is wrong it stays said what is right: the examples stand there.
  const complaint = wrong === null ? null : `${wrong} ${hint}`;
  const common = { name: parameter.name, label: nameText(parameter.name), hint, complaint };
  switch (parameter.kind) {
    case 'yes':
      return (
        <div className="alphintra-Field" data-field={parameter.name}>
          <label className="alphintra-Step-yes">
            <input type="checkbox" checked={written === true} onChange={event => write(event.target.checked)} />
            {nameText(parameter.name)}
          </label>
          <span className={complaint ? 'alphintra-Field-complaint' : 'alphintra-muted'}>{complaint ?? hint}</span>
        </div>
      );
    case 'choice':
      // Of very many one writes the name, and is helped.
      return parameter.choices.length > MOST_PRESSED ? (
        <TextField {...common} value={text} options={parameter.choices} onChange={write} />
      ) : (
        <SelectField
          {...common}
          value={text}
          options={[
            ...(parameter.isOptional || parameter.default === null ? [['', '\u2013'] as const] : []),
            ...parameter.choices.map(own => [own, own] as const)
          ]}
          onChange={write}
        />
      );
    case 'columns':
      return (
        <ColumnsField
          parameter={parameter}
          value={text}
          columns={columns}
          hint={hint}
          complaint={complaint}
          onChange={write}
        />
      );
    case 'events':
      return (
        <Field {...common} hint={`${hint} ${trans.__('One a line: AAPL split 2020-08-31 4')}`}>
          {attributes => (
            <textarea
              {...attributes}
              rows={3}
              spellCheck={false}
              value={text}
              onChange={event => write(event.target.value)}
            />
          )}
        </Field>
      );
    case 'choices by column':
    case 'numbers by name':
      return (
        <TextField
          {...common}
          hint={
            parameter.choices.length > 0
              ? trans.__('%1 As close=last, with %2.', hint, parameter.choices.join(', '))
              : trans.__('%1 As timeperiod=14.', hint)
          }
          value={text}
          onChange={write}
        />
      );
    default:
      return (
        <TextField
          {...common}
          value={text}
          decimal={parameter.kind === 'number' || parameter.kind === 'whole'}
          options={
            parameter.kind === 'dataset'
              ? props.datasets
              : parameter.kind === 'column' && parameter.name !== 'name'
                ? columns
                : undefined
          }
          onChange={write}
        />
      );
  }
}

export function StepForm(props: IProps): JSX.Element {
  const { step, kind, number, model, trans } = props;
  const title = React.useId();
  const problem = model.complaintOf(step.key, null);
  // Off it keeps the focus: who has moved a step to an end by keyboard is still there.
  const button = (label: string, icon: LabIcon, isOff: boolean, onPress: () => void, className = ''): JSX.Element => (
    <button
      type="button"
      className={`alphintra-IconButton ${className}`}
      title={label}
      aria-label={label}
      aria-disabled={isOff}
      onClick={isOff ? undefined : onPress}
    >
      <icon.react tag="span" elementSize="normal" />
    </button>
  );
  const name = `${number} ${kindText(kind.kind, trans)}`;
  const isBad = problem !== null || props.leak !== null || model.complaints.some(own => own.step === step.key);
  return (
    <li
      className={`alphintra-Step ${isBad ? 'alphintra-mod-bad' : ''}`}
      data-step={number}
      data-kind={kind.kind}
      aria-labelledby={title}
    >
      <div className="alphintra-Step-head">
        <b id={title}>
          <span className="alphintra-muted">{number}</span> {kindText(kind.kind, trans)}
        </b>
        <span className="alphintra-muted alphintra-Step-what" title={plain(kind.description)}>
          {plain(kind.description)}
        </span>
        {button(trans.__('Move %1 up', name), caretUpIcon, number === 1, () => model.move(step.key, -1))}
        {button(trans.__('Move %1 down', name), caretDownIcon, props.isLast, () => model.move(step.key, 1))}
        {button(trans.__('Remove %1', name), closeIcon, false, props.onRemove, 'alphintra-Step-remove')}
      </div>
      {[problem, props.leak].filter(Boolean).map(text => (
        <p key={text} className="alphintra-Problem" role="alert">
          {text}
        </p>
      ))}
      <div className="alphintra-Step-fields">
        {kind.parameters.map(parameter => (
          <ParameterField key={parameter.name} {...props} parameter={parameter} />
        ))}
      </div>
    </li>
  );
}

/** A labelled field of the run dialog with its hint, or what is wrong with it. */

import React from 'react';

interface IProps {
  name: string;
  label: string;
  hint?: string | null;
  complaint: string | null;
}

interface IFieldProps extends IProps {
  children: (attributes: {
    id: string;
    className: string;
    'aria-describedby': string;
    'aria-invalid': boolean;
  }) => React.ReactNode;
}

export function Field(props: IFieldProps): JSX.Element {
  const id = React.useId();
  const hintId = `${id}-hint`;
  return (
    <div className="alphintra-Field" data-field={props.name}>
      <label htmlFor={id}>{props.label}</label>
      {props.children({
        id,
        className: 'jp-mod-styled',
        'aria-describedby': hintId,
        'aria-invalid': props.complaint !== null
      })}
      <span
        id={hintId}
        className={props.complaint ? 'alphintra-Field-complaint' : 'alphintra-muted'}
      >
        {props.complaint ?? props.hint ?? ''}
      </span>
    </div>
  );
}

/** What is offered for a field; a label says what a value is that nobody knows by heart. */
export interface IOption {
  value: string;
  label?: string;
}

export function TextField(
  props: IProps & {
    value: string;
    options?: readonly (string | IOption)[];
    placeholder?: string;
    decimal?: boolean;
    disabled?: boolean;
    onChange: (value: string) => void;
  }
): JSX.Element {
  const listId = React.useId();
  return (
    <Field {...props}>
      {attributes => (
        <>
          <input
            {...attributes}
            {...(props.options ? { list: listId } : {})}
            {...(props.decimal ? { inputMode: 'decimal' as const } : {})}
            autoComplete="off"
            spellCheck={false}
            placeholder={props.placeholder}
            disabled={props.disabled}
            value={props.value}
            onChange={event => props.onChange(event.target.value)}
          />
          {props.options ? (
            <datalist id={listId}>
              {props.options.map(own => (typeof own === 'string' ? { value: own } : own)).map(item => (
                <option key={item.value} {...item} />
              ))}
            </datalist>
          ) : null}
        </>
      )}
    </Field>
  );
}

export function SelectField<T extends string>(
  props: IProps & {
    value: T;
    options: readonly (readonly [T, string])[];
    disabled?: boolean;
    onChange: (value: T) => void;
  }
): JSX.Element {
  return (
    <Field {...props}>
      {attributes => (
        <select
          {...attributes}
          disabled={props.disabled}
          value={props.value}
          onChange={event => props.onChange(event.target.value as T)}
        >
          {props.options.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField(props: {
  name: string;
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <label className="alphintra-Check" data-field={props.name}>
      <input
        type="checkbox"
        checked={props.checked}
        onChange={event => props.onChange(event.target.checked)}
      />
      {props.label}
    </label>
  );
}

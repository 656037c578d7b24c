/** What a list is searched and filtered by. */

import React from 'react';

/** Typing waits this long, in milliseconds, before the server is asked. */
const TYPING_MS = 250;

/** A field for words. What is chosen elsewhere shows in it, and what is typed does not wait for the answer to show. */
export function SearchField(props: {
  label: string;
  placeholder: string;
  /** The words that are chosen. */
  value: string;
  /** Whether each letter is searched for at once: where nobody has to be asked. */
  isHere?: boolean;
  disabled?: boolean;
  onSearch: (words: string) => void;
}): JSX.Element {
  const [words, setWords] = React.useState(props.value);
  const timer = React.useRef(0);
  // What was asked for; another choice than that was made elsewhere.
  const asked = React.useRef(props.value);
  if (props.value !== asked.current) {
    asked.current = props.value;
    setWords(props.value);
  }
  const search = (next: string): void => {
    asked.current = next;
    props.onSearch(next);
  };
  return (
    <input
      type="search"
      className="alphintra-Input"
      placeholder={props.placeholder}
      aria-label={props.label}
      value={words}
      disabled={props.disabled}
      onChange={event => {
        const next = event.target.value;
        setWords(next);
        window.clearTimeout(timer.current);
        if (props.isHere) {
          search(next);
        } else {
          timer.current = window.setTimeout(() => search(next), TYPING_MS);
        }
      }}
    />
  );
}

/** One of some values, or all of them. */
export function Choice(props: {
  label: string;
  value: string;
  /** The text of the choice of all. */
  all: string;
  /** Values with their texts. */
  options: readonly (readonly [string, string])[];
  onChoose: (value: string) => void;
}): JSX.Element {
  return (
    <select
      className="alphintra-Input"
      aria-label={props.label}
      title={props.label}
      value={props.value}
      onChange={event => props.onChoose(event.target.value)}
    >
      <option value="">{props.all}</option>
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

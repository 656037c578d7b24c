/** What a file does not tell, asked of its owner. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IInspected, IQuestion } from '../api/datasets.js';
import { IMappingForm, answer, answerOf, openQuestions, questionsOf } from './mapping.js';
import { choiceText } from './words.js';

interface IProps {
  found: IInspected;
  form: IMappingForm;
  trans: TranslationBundle;
  onChange: (form: IMappingForm) => void;
}

/** Questions to which any answer can be written, each with one. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  symbol: 'AAPL',
  zone: 'UTC',
  symbol_pattern: '{symbol}.csv',
  members: 'Stocks/*.csv',
  known_from: '2020-12-31',
  'dialect.encoding': 'cp1252'
};

/** Time zones that a browser knows. */
export function zones(): string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** One question with its answers; any other can be written. */
function Question(props: { question: IQuestion; form: IMappingForm; trans: TranslationBundle; onAnswer: (value: string) => void }): JSX.Element {
  const { question, form, trans, onAnswer } = props;
  const id = React.useId();
  const given = answerOf(form, question.field);
  const isFree = question.field in EXAMPLES;
  return (
    <li data-question={question.field} data-open={given === ''}>
      <i aria-hidden="true">{given === '' ? '?' : '\u2713'}</i>
      <span id={id}>{question.text}</span>
      <span className="alphintra-Mapping-answers" role="group" aria-labelledby={id}>
        {question.choices.map(choice => (
          <button
            key={choice}
            type="button"
            className="alphintra-Button"
            aria-pressed={choice === given}
            onClick={() => onAnswer(choice)}
          >
            {choiceText(question.field, choice, trans)}
          </button>
        ))}
        {isFree ? (
          <input
            className="alphintra-Input"
            aria-labelledby={id}
            spellCheck={false}
            list={question.field === 'zone' ? `${id}-zones` : undefined}
            placeholder={question.field === 'zone' ? trans.__('another zone') : EXAMPLES[question.field]}
            value={question.choices.includes(given) ? '' : given}
            onChange={event => onAnswer(event.target.value)}
          />
        ) : null}
        {question.field === 'zone' ? (
          <datalist id={`${id}-zones`}>
            {zones().map(zone => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        ) : null}
      </span>
    </li>
  );
}

/** All of them, and how many are open. */
export function Questions(props: IProps): JSX.Element | null {
  const { found, form, trans, onChange } = props;
  const asked = questionsOf(found, form);
  if (asked.length === 0) {
    return null;
  }
  const open = openQuestions(found, form).length;
  return (
    <section className={`alphintra-Mapping-questions ${open > 0 ? 'alphintra-mod-open' : ''}`} aria-label={trans.__('Questions')}>
      <h3>
        {open > 0
          ? trans._n('%1 thing that the file does not tell', '%1 things that the file does not tell', open)
          : trans.__('All questions are answered')}
      </h3>
      <ul>
        {asked.map(question => (
          <Question
            key={question.field}
            question={question}
            form={form}
            trans={trans}
            onAnswer={value => onChange(answer(form, question.field, value))}
          />
        ))}
      </ul>
    </section>
  );
}

/** What the rules found on a version: open errors first, each with its places, to be accepted with a reason. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset, IReportPlace, IValidationReport } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { fixed } from '../result/format.js';
import { IFired, placeText, sortedReport, timeOf } from './report.js';
import { severityText } from './words.js';

interface IProps {
  dataset: IDataset;
  /** Of what ships there is none. */
  report: IValidationReport | null;
  trans: TranslationBundle;
  /** Accept the errors of a rule; `null` where that is not for this user to do. */
  onAccept: ((rule: string, why: string) => Promise<void>) | null;
  /** Show a place on the chart; `null` where there is none. */
  onPlace: ((place: IReportPlace) => void) | null;
}

/** Places that are shown before one asks for more. */
const FEW = 3;
/** As many as are worth reading. */
const MOST = 100;

const MARKS = { error: '\u2715', warning: '!', info: 'i' } as const;

function Places({ fired, trans, onPlace }: Pick<IRuleProps, 'fired' | 'trans' | 'onPlace'>): JSX.Element {
  const [all, setAll] = React.useState(false);
  const shown = fired.places.slice(0, all ? MOST : FEW);
  const more = Math.min(fired.places.length, MOST) - shown.length;
  return (
    <>
      <ul className="alphintra-Report-places">
        {shown.map((place, i) => (
          <li key={i}>
            {onPlace === null || !onPlace.has(place) ? (
              placeText(place)
            ) : (
              <button
                type="button"
                className="alphintra-Report-place"
                title={trans.__('Show it on the chart')}
                onClick={() => onPlace.show(place)}
              >
                {placeText(place)}
              </button>
            )}
            {place.message === null ? '' : `${placeText(place) === '' ? '' : ': '}${place.message}`}
          </li>
        ))}
      </ul>
      {more > 0 ? (
        <button type="button" className="alphintra-Chip" onClick={() => setAll(true)}>
          {trans.__('%1 more places', fixed(more, 0))}
        </button>
      ) : fired.count > shown.length ? (
        <span className="alphintra-muted">
          {shown.length === 0
            ? trans.__('%1 places, which a sealed version does not keep', fixed(fired.count, 0))
            : trans.__('the first of %1', fixed(fired.count, 0))}
        </span>
      ) : null}
    </>
  );
}

/** The reason for which an error does not matter. */
function Accepting(props: {
  rule: string;
  trans: TranslationBundle;
  onAccept: (rule: string, why: string) => Promise<void>;
}): JSX.Element {
  const { rule, trans, onAccept } = props;
  const [why, setWhy] = React.useState<string | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const [busy, setBusy] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  const wasAsking = React.useRef(false);
  const isAsking = why !== null;
  React.useEffect(() => {
    // Who gave it up is where they began.
    if (!isAsking && wasAsking.current) {
      button.current?.focus();
    }
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (why === null) {
    return (
      <button ref={button} type="button" className="alphintra-Button" onClick={() => setWhy('')}>
        {trans.__('Accept\u2026')}
      </button>
    );
  }
  return (
    <form
      className="alphintra-Report-accept"
      data-lm-suppress-shortcuts="true"
      onSubmit={event => {
        event.preventDefault();
        setBusy(true);
        onAccept(rule, why.trim()).catch((reason: unknown) => {
          setProblem(describe(reason).text);
          setBusy(false);
        });
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          setWhy(null);
        }
      }}
    >
      <input
        className="alphintra-Input"
        autoFocus
        maxLength={2000}
        placeholder={trans.__('Why it does not matter')}
        aria-label={trans.__('Why the errors of %1 do not matter', rule)}
        value={why}
        onChange={event => setWhy(event.target.value)}
      />
      <button type="submit" className="alphintra-Button alphintra-mod-primary" disabled={busy || why.trim() === ''}>
        {trans.__('Accept')}
      </button>
      <button type="button" className="alphintra-Button" onClick={() => setWhy(null)}>
        {trans.__('Cancel')}
      </button>
      {problem === null ? null : (
        <span className="alphintra-Field-complaint" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}

interface IRuleProps extends Pick<IProps, 'trans' | 'onAccept'> {
  fired: IFired;
  /** Which places the chart has, and what shows one there; `null` where there is no chart. */
  onPlace: { has: (place: IReportPlace) => boolean; show: (place: IReportPlace) => void } | null;
}

function Rule({ fired, trans, onAccept, onPlace }: IRuleProps): JSX.Element {
  const { accepted, isOpen, severity } = fired;
  const item = React.useRef<HTMLLIElement>(null);
  const wasOpen = React.useRef(isOpen);
  React.useEffect(() => {
    // The form that had the focus is gone: it stays at what was accepted.
    if (wasOpen.current && !isOpen && document.activeElement === document.body) {
      item.current?.focus();
    }
    wasOpen.current = isOpen;
  }, [isOpen]);
  const kind = isOpen
    ? trans.__('open error')
    : severityText(severity, trans);
  return (
    <li ref={item} tabIndex={-1} data-rule={fired.rule} data-severity={severity} className={isOpen ? 'alphintra-mod-open' : ''}>
      <span className="alphintra-Report-mark" aria-hidden="true">
        {accepted ? '\u2713' : MARKS[severity]}
      </span>
      <div>
        <div className="alphintra-Report-rule">
          <b>{fired.rule}</b>
          <span className="alphintra-muted">
            {kind} {'\u00b7'} {trans._n('%2 place', '%2 places', fired.count, fixed(fired.count, 0))}
          </span>
          {isOpen && onAccept ? <Accepting rule={fired.rule} trans={trans} onAccept={onAccept} /> : null}
        </div>
        {accepted ? (
          <div className="alphintra-muted">
            {trans.__('accepted by %1, %2: %3', accepted.who, accepted.when.slice(0, 10), accepted.why)}
          </div>
        ) : null}
        <Places fired={fired} trans={trans} onPlace={onPlace} />
      </div>
    </li>
  );
}

export function ReportTab({ dataset, report, trans, onAccept, onPlace }: IProps): JSX.Element {
  if (report === null) {
    return (
      <>
        <p>{trans.__('It ships with the platform, and was checked before.')}</p>
        <ul>
          {dataset.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </>
    );
  }
  const { fired, unchecked, passed } = sortedReport(report);
  const { symbols } = dataset;
  const chart = onPlace && {
    has: (place: IReportPlace) =>
      !Number.isNaN(timeOf(place)) && (place.symbol === null ? symbols.length === 1 : symbols.includes(place.symbol)),
    show: onPlace
  };
  return (
    <>
      {fired.length === 0 ? null : (
        <ul className="alphintra-Report" aria-label={trans.__('Rules that found something')}>
          {fired.map(own => (
            <Rule key={own.rule} fired={own} trans={trans} onAccept={onAccept} onPlace={chart} />
          ))}
        </ul>
      )}
      {passed === 0 ? (
        <p className="alphintra-muted">{fired.length === 0 ? trans.__('No rule has been checked on this version.') : null}</p>
      ) : (
        <p className="alphintra-Report-passed">
          {'\u2713'} {trans._n('%1 rule was checked and found nothing', '%1 rules were checked and found nothing', passed)}
        </p>
      )}
      {unchecked.length === 0 ? null : (
        <details>
          <summary>
            {trans._n('%1 rule has nothing to check here', '%1 rules have nothing to check here', unchecked.length)}
          </summary>
          <ul className="alphintra-Report-places">
            {unchecked.map(own => (
              <li key={own.rule}>
                {own.rule}: {own.status === 'left_out' ? trans.__('left out by choice') : (own.reason ?? '')}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** The head of a result: what ran on what, its warnings and its figures. */

import { copyIcon, launchIcon, LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import {
  UNDEFINED,
  direction,
  duration,
  fixed,
  formatValue,
  isoTime
} from './format.js';
import { LAYOUTS, Layout, columnsOf, endsOf } from './figureGrid.js';
import type { Cell, IFigure, IHeader, IWarning } from './payload.js';
import { parameterText } from './parameter.js';

interface IHeaderProps {
  header: IHeader;
  trans: TranslationBundle;
  /** Address of the one-page report, where there is one. */
  reportUrl?: string;
}

/** A button that copies, and says so for a moment. */
export function CopyButton(props: {
  text: string;
  label: string;
  title: string;
  done: string;
  disabled?: boolean;
}): JSX.Element {
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return undefined;
    }
    const timer = window.setTimeout(() => setCopied(false), 1500);
    return () => window.clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="alphintra-Button"
      title={props.title}
      disabled={props.disabled}
      onClick={() => {
        void navigator.clipboard.writeText(props.text).then(
          () => setCopied(true),
          () => setCopied(false)
        );
      }}
    >
      <copyIcon.react tag="span" elementSize="normal" />
      <span className="alphintra-Button-label">
        <span aria-hidden={copied} className={copied ? 'alphintra-hidden' : ''}>
          {props.label}
        </span>
        <span
          role="status"
          className={copied ? '' : 'alphintra-hidden'}
        >
          {copied ? props.done : ''}
        </span>
      </span>
    </button>
  );
}

export function LinkButton(props: {
  href: string;
  label: string;
  icon: LabIcon;
}): JSX.Element {
  return (
    <a
      className="alphintra-Button"
      href={props.href}
      target="_blank"
      rel="noopener noreferrer"
    >
      <props.icon.react tag="span" elementSize="normal" />
      {props.label}
    </a>
  );
}

export function Header(props: IHeaderProps): JSX.Element {
  const { header, trans, reportUrl } = props;
  const created = Date.parse(header.created_at);
  const facts = [
    header.dataset,
    `${header.start} \u2192 ${header.end}`,
    trans._n('%1 bar', '%1 bars', header.bars).replace(String(header.bars), fixed(header.bars, 0)),
    duration(header.seconds)
  ];
  return (
    <header className="alphintra-Header">
      <div className="alphintra-Header-facts">
        <h2>{header.strategy}</h2>
        <span className="alphintra-muted">{facts.join(' \u00b7 ')}</span>
        {Object.entries(header.parameters).map(([name, value]) => (
          <span key={name} className="alphintra-Chip">
            {name} <b>{parameterText(value)}</b>
          </span>
        ))}
        <span className="alphintra-Chip">
          {trans.__('profile')} <b>{header.profile}</b>
        </span>
        <span className="alphintra-muted">
          {Number.isNaN(created)
            ? null
            : trans.__('run %1', isoTime(Math.floor(created / 60000) * 60, false))}{' '}
          {trans.__('(times in %1)', header.timezone)}
        </span>
      </div>
      <div className="alphintra-Header-actions">
        <CopyButton
          text={header.code}
          label={trans.__('Copy code')}
          title={trans.__('Copy the code that repeats this run')}
          done={trans.__('Copied')}
        />
        <CopyButton
          text={header.run_id}
          label={trans.__('Copy id')}
          title={trans.__('Copy the id of this run: %1', header.run_id)}
          done={trans.__('Copied')}
        />
        {reportUrl ? (
          <LinkButton
            href={reportUrl}
            label={trans.__('Report')}
            icon={launchIcon}
          />
        ) : null}
      </div>
    </header>
  );
}

const LEVEL_MARK = { error: '\u2715', warning: '\u26a0\ufe0e', info: 'i' } as const;

/** The strip of warnings; one with a list opens it below the strip. */
export function Warnings(props: {
  warnings: IWarning[];
  trans: TranslationBundle;
}): JSX.Element | null {
  const { warnings, trans } = props;
  const [open, setOpen] = React.useState<number | null>(null);
  const listId = React.useId();
  if (warnings.length === 0) {
    return null;
  }
  const shown = open === null ? null : warnings[open];
  return (
    <section className="alphintra-Warnings" aria-label={trans.__('Warnings')}>
      <div className="alphintra-Warnings-strip">
        {warnings.map((warning, index) => {
          const content = (
            <>
              <i aria-hidden="true">{LEVEL_MARK[warning.level]}</i>
              {warning.text}
              {warning.items.length > 0 ? (
                <span className="alphintra-Warning-count">
                  {warning.items.length}
                </span>
              ) : null}
            </>
          );
          const className = `alphintra-Warning alphintra-mod-${warning.level}`;
          return warning.items.length > 0 ? (
            <button
              key={`${warning.code}-${index}`}
              type="button"
              className={className}
              aria-expanded={open === index}
              aria-controls={listId}
              onClick={() => setOpen(open === index ? null : index)}
            >
              {content}
            </button>
          ) : (
            <span key={`${warning.code}-${index}`} className={className}>
              {content}
            </span>
          );
        })}
      </div>
      <ul id={listId} hidden={!shown} className="alphintra-Warnings-list">
        {shown?.items.map((item, index) => <li key={index}>{item}</li>)}
      </ul>
    </section>
  );
}

/** Arrow that repeats in form what the colour says. */
export function Signed(props: {
  value: Cell;
  text: string;
}): JSX.Element {
  return (
    <span className={`alphintra-mod-${direction(props.value)}`}>
      {props.text}
    </span>
  );
}

/** More characters than this do not fit a cell in full size; a figure is never cut. */
const FITTING = 8;

/** A figure as a cell shows it; a study's may be a word, and has no benchmark. */
export type IFigureCell = Omit<IFigure, 'value' | 'benchmark'> & {
  value: number | string | null;
  benchmark?: number | null;
};

function Figure(props: {
  figure: IFigureCell;
  /** Where it stands in the right half of its row. */
  ends: readonly Layout[];
  trans: TranslationBundle;
}): JSX.Element {
  const { figure, trans } = props;
  const tipId = React.useId();
  const value = formatValue(figure.value, figure.format, {
    signed: figure.signed
  });
  const undefinedValue = value === UNDEFINED;
  const below: string[] = [];
  if (undefinedValue && figure.reason) {
    below.push(figure.reason);
  }
  if (figure.benchmark !== null && figure.benchmark !== undefined) {
    below.push(
      trans.__(
        'bench %1',
        formatValue(figure.benchmark, figure.format, { signed: figure.signed })
      )
    );
  }
  if (figure.note) {
    below.push(figure.note);
  }
  return (
    <div
      className={['alphintra-Figure', ...props.ends.map(layout => `alphintra-mod-end-${layout}`)].join(' ')}
      role="listitem"
    >
      <div
        className="alphintra-Figure-label"
        tabIndex={0}
        aria-describedby={tipId}
      >
        <span>{figure.label}</span>
        <span role="tooltip" id={tipId} className="alphintra-Tip">
          {figure.definition}
          {figure.reason ? ` ${figure.reason}` : ''}
        </span>
      </div>
      <div
        className={`alphintra-Figure-value${value.length > FITTING ? ' alphintra-mod-long' : ''}`}
      >
        {figure.signed ? (
          <Signed value={figure.value} text={value} />
        ) : (
          value
        )}
      </div>
      <div className="alphintra-Figure-below">
        {below.join(' \u00b7 ') || '\u00a0'}
      </div>
    </div>
  );
}

export function Figures(props: {
  figures: IFigureCell[];
  trans: TranslationBundle;
}): JSX.Element {
  const { figures } = props;
  const style = Object.fromEntries(
    LAYOUTS.map(layout => [`--alphintra-columns-${layout}`, columnsOf(figures.length, layout)])
  ) as React.CSSProperties;
  return (
    <div
      className="alphintra-Figures"
      style={style}
      role="list"
      aria-label={props.trans.__('Key figures')}
    >
      {figures.map((figure, at) => (
        <Figure
          key={figure.name}
          figure={figure}
          ends={endsOf(at, figures.length)}
          trans={props.trans}
        />
      ))}
    </div>
  );
}

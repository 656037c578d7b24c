/** A study, anywhere it appears: header, warnings, what it means, and its parts. */

import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { IResultEnvironment } from '../result/environment.js';
import { CopyButton, Figures, Warnings } from '../result/header.js';
import { parameterText } from '../result/parameter.js';
import { DataTable, newPlace } from '../result/table.js';
import { Figure } from './figure.js';
import type { Block, ISection, IStudy, ITableBlock } from './payload.js';
import { parseStudy } from './payload.js';
import { TrialsView } from './trials.js';

interface IProps {
  study: IStudy;
  environment: IResultEnvironment;
}

/** More sections than this have a list of them above. */
const FEW_SECTIONS = 3;
/** A cell with more characters makes a table of prose, where it is not too long to draw whole. */
const PROSE = { characters: 60, rows: 200 };

function isProse(block: ITableBlock): boolean {
  return (
    block.rows.length <= PROSE.rows &&
    block.rows.some(row =>
      row.some(cell => typeof cell === 'string' && cell.length > PROSE.characters)
    )
  );
}

function StudyTable(props: {
  block: ITableBlock;
  environment: IResultEnvironment;
  fileStem: string;
}): JSX.Element {
  const { block, environment } = props;
  const place = React.useRef(newPlace());
  return (
    <div className="alphintra-StudyTable">
      <h4>{block.title}</h4>
      <DataTable
        name={block.name}
        label={block.title}
        table={{
          columns: block.columns,
          rows: block.rows,
          total: block.total,
          omitted: null
        }}
        place={place.current}
        trans={environment.trans}
        prose={isProse(block)}
        fileStem={props.fileStem}
      />
      {block.note ? <p className="alphintra-muted alphintra-Note">{block.note}</p> : null}
    </div>
  );
}

function BlockView(props: {
  block: Block;
  study: IStudy;
  environment: IResultEnvironment;
  fileStem: string;
}): JSX.Element {
  const { block, study, environment, fileStem } = props;
  const { trans } = environment;
  switch (block.type) {
    case 'figure':
      return (
        <Figure
          block={block}
          palette={study.palette}
          environment={environment}
          fileStem={fileStem}
        />
      );
    case 'table':
      return <StudyTable block={block} environment={environment} fileStem={fileStem} />;
    case 'facts':
      return <Figures figures={block.items} trans={trans} />;
    case 'trials':
      return (
        <TrialsView
          block={block}
          palette={study.palette}
          environment={environment}
          fileStem={fileStem}
        />
      );
    case 'text':
      return (
        <div
          className={
            block.level === 'info'
              ? 'alphintra-StudyText'
              : `alphintra-StudyText alphintra-mod-${block.level}`
          }
        >
          {block.lines.map((line, index) => (
            <p key={index}>{line}</p>
          ))}
        </div>
      );
    case 'unread':
      return (
        <p className="alphintra-StudyText alphintra-mod-warning" role="note">
          {block.reason === 'unknown'
            ? trans.__(
                'A part of the kind “%1” was written by a newer Alphintra. Update Alphintra to see it.',
                block.kind
              )
            : trans.__(
                'A part of this study is damaged and cannot be shown. Run the cell again.'
              )}
        </p>
      );
  }
}

/** What a part throws stays in its place; the rest of the page is drawn. */
class Guard extends React.Component<
  { message: string; children: React.ReactNode },
  { failure: string | null }
> {
  static getDerivedStateFromError(reason: unknown): { failure: string } {
    return { failure: String(reason) };
  }

  override state = { failure: null as string | null };

  override render(): React.ReactNode {
    if (this.state.failure === null) {
      return this.props.children;
    }
    return (
      <div className="alphintra-Problem" role="alert">
        {this.props.message}
        <details>{this.state.failure}</details>
      </div>
    );
  }
}

function Section(props: {
  section: ISection;
  id: string;
  study: IStudy;
  environment: IResultEnvironment;
  fileStem: string;
}): JSX.Element {
  const { section, id, study, environment } = props;
  return (
    <section className="alphintra-Study-section" aria-labelledby={id}>
      <h3 id={id} tabIndex={-1}>
        {section.title}
      </h3>
      {section.blocks.map((block, index) => (
        <Guard
          key={index}
          message={environment.trans.__('This part could not be drawn.')}
        >
          <BlockView
            block={block}
            study={study}
            environment={environment}
            fileStem={props.fileStem}
          />
        </Guard>
      ))}
    </section>
  );
}

export function StudyView(props: IProps): JSX.Element {
  const { study, environment } = props;
  const { trans } = environment;
  const baseId = React.useId();
  const root = React.useRef<HTMLElement>(null);
  const sections = study.sections.filter(section => section.blocks.length > 0);
  const [lead, ...more] = study.sentences;
  const fileStem = study.title.replace(/[^\w.-]+/g, '_').slice(0, 60);
  const idOf = (index: number): string => `${baseId}-${index}`;
  return (
    <article
      ref={root}
      className="alphintra-Result alphintra-Study"
      data-kind={study.kind}
      aria-label={study.title}
    >
      <header className="alphintra-Header">
        <div className="alphintra-Header-facts">
          <h2>{study.title}</h2>
          {study.subtitle ? (
            <span className="alphintra-muted">{study.subtitle}</span>
          ) : null}
          {study.chips.map(([name, value], index) => (
            <span key={index} className="alphintra-Chip">
              {name} <b>{parameterText(value)}</b>
            </span>
          ))}
        </div>
        {study.code ? (
          <div className="alphintra-Header-actions">
            <CopyButton
              text={study.code}
              label={trans.__('Copy code')}
              title={trans.__('Copy the code that repeats this study')}
              done={trans.__('Copied')}
            />
          </div>
        ) : null}
      </header>
      <Warnings warnings={study.warnings} trans={trans} />
      {lead ? (
        <div className="alphintra-Study-meaning">
          <p className="alphintra-Study-lead">{lead}</p>
          {more.map((sentence, index) => (
            <p key={index}>{sentence}</p>
          ))}
        </div>
      ) : null}
      {sections.length > FEW_SECTIONS ? (
        <nav className="alphintra-Study-nav" aria-label={trans.__('Sections')}>
          {sections.map((section, index) => (
            <button
              key={index}
              type="button"
              onClick={() => {
                const heading = root.current?.querySelectorAll<HTMLElement>(
                  '.alphintra-Study-section > h3'
                )[index];
                heading?.scrollIntoView({ block: 'start' });
                heading?.focus({ preventScroll: true });
              }}
            >
              {section.title}
            </button>
          ))}
        </nav>
      ) : null}
      {sections.map((section, index) => (
        <Section
          key={index}
          section={section}
          id={idOf(index)}
          study={study}
          environment={environment}
          fileStem={fileStem}
        />
      ))}
      {sections.length === 0 ? (
        <p className="alphintra-muted">
          {trans.__('This study has nothing to show yet. Run it, and its charts and tables appear here.')}
        </p>
      ) : null}
    </article>
  );
}

/** A payload that cannot be drawn says why. */
export function StudyPayloadView(props: {
  payload: unknown;
  environment: IResultEnvironment;
}): JSX.Element {
  const { trans } = props.environment;
  const parsed = React.useMemo(() => parseStudy(props.payload), [props.payload]);
  if (parsed.study) {
    return <StudyView study={parsed.study} environment={props.environment} />;
  }
  return (
    <p className="alphintra-Problem" role="alert">
      {parsed.problem === 'newer'
        ? trans.__(
            'This study was written by a newer Alphintra. Update Alphintra to see it, or run the cell again.'
          )
        : trans.__(
            'This study is damaged and cannot be shown. Run the cell again.'
          )}
    </p>
  );
}

/** The view as a widget, for outputs and for the main area. */
export class StudyWidget extends ReactWidget {
  constructor(environment: IResultEnvironment, payload: unknown) {
    super();
    this._environment = environment;
    this._payload = payload;
    this.addClass('alphintra-ResultWidget');
    this.addClass('alphintra-StudyWidget');
  }

  protected override render(): JSX.Element {
    return (
      <StudyPayloadView
        payload={this._payload}
        environment={this._environment}
      />
    );
  }

  private _environment: IResultEnvironment;
  private _payload: unknown;
}

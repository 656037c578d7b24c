/** A connector in the main area: how it stands, how its file is read, its runs; and the form that changes it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';
import React from 'react';

import type { ConnectorsClient } from '../api/connectorsClient.js';
import type { IConnector, IConnectorRun } from '../api/connectors.js';
import type { IJob } from '../api/types.js';
import { Failure } from '../failure.js';
import { JobProgress } from '../jobs/progress.js';
import { useKeptFocus } from '../keptFocus.js';
import { useMinute, useSignals } from '../lists/redraw.js';
import { PlainTable } from '../plainTable.js';
import type { IAlphintra, IJobs } from '../tokens.js';
import type { ConnectorActions } from './actions.js';
import { IConnectorForm, changeBody, emptyForm, formOf, newBody } from './form.js';
import { ConnectorFormView } from './formView.js';
import { ConnectorMapping } from './mappingView.js';
import { ConnectorsModel, RUN_KINDS } from './model.js';
import type { IConnectorSchema } from './schema.js';
import { connectorSchema } from './schema.js';
import {
  agoText,
  dueText,
  kindText,
  momentText,
  runText,
  scheduleText,
  sourceText,
  standingOf,
  triggerText
} from './words.js';

export interface IConnectorOptions {
  /** `null`: a new one is set up. */
  id: string | null;
  alphintra: IAlphintra;
  api: ConnectorsClient;
  jobs: IJobs;
  model: ConnectorsModel;
  actions: ConnectorActions;
  onTitle: (title: string) => void;
  /** Show the dataset that it fills. */
  onDataset: (name: string) => void;
  onJob: (id: string) => void;
  /** Show one that was set up. */
  onMade: (id: string) => void;
  onGone: () => void;
}

/** As many runs are shown. */
const RUNS = 50;

interface IRead {
  connector: IConnector | null;
  runs: readonly IConnectorRun[];
  schema: IConnectorSchema;
}

/** What the server knows of it, read anew when a run has come to an end, or the list tells of another state. */
function useRead({ id, alphintra, api, jobs, model, onTitle }: IConnectorOptions): {
  found: IRead | null;
  error: unknown;
  read: () => void;
} {
  const { trans } = alphintra;
  const [found, setFound] = React.useState<IRead | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const call = React.useRef(0);
  const read = React.useCallback((): void => {
    const own = ++call.current;
    const asked = Promise.all([
      id === null ? null : api.connector(id),
      id === null ? null : api.connectorRuns(id, RUNS),
      api.interface()
    ]);
    asked.then(
      ([connector, runs, description]) => {
        if (own === call.current) {
          setFound({ connector, runs: runs?.items ?? [], schema: connectorSchema(description) });
          setError(null);
          onTitle(connector?.name ?? trans.__('New connector'));
        }
      },
      (reason: unknown) => own === call.current && setError(reason)
    );
  }, [id]);
  const stand = React.useRef('');
  React.useEffect(() => {
    const ended = (_: unknown, job: IJob): void => {
      if (RUN_KINDS.includes(job.kind)) {
        read();
      }
    };
    const look = (): void => {
      const now = id === null ? undefined : model.find(id);
      const text = JSON.stringify([now, id === null ? null : model.lastRun(id)]);
      if (now && text !== stand.current) {
        stand.current = text;
        read();
      }
    };
    if (id !== null) {
      jobs.active.ended.connect(ended);
      model.changed.connect(look);
    }
    read();
    return () => {
      call.current += 1;
      jobs.active.ended.disconnect(ended);
      model.changed.disconnect(look);
    };
  }, [read]);
  return { found, error, read };
}

function Runs({ runs, trans, onJob }: { runs: readonly IConnectorRun[]; trans: TranslationBundle; onJob: (id: string) => void }): JSX.Element {
  if (runs.length === 0) {
    return <p className="alphintra-muted">{trans.__('It has not run yet.')}</p>;
  }
  return (
    <PlainTable
      label={trans.__('Its runs, the newest first')}
      head={[trans.__('began'), trans.__('why'), trans.__('what came of it'), trans.__('took')]}
      left={new Set([0, 1, 2])}
    >
      {runs.map(run => {
        const took = run.ended_at === null ? null : (Date.parse(run.ended_at) - Date.parse(run.created_at)) / 1_000;
        const isBad = run.state === 'FAILED';
        return (
          <tr key={run.id} data-run={run.state}>
            <td className="alphintra-mod-left">
              <button
                type="button"
                className="alphintra-Chip"
                title={trans.__('Show its job')}
                onClick={() => onJob(run.job_id)}
              >
                {momentText(run.created_at)}
              </button>
            </td>
            <td className="alphintra-mod-left">{triggerText(run.trigger, trans)}</td>
            <td className="alphintra-mod-left alphintra-Versions-made" title={run.error?.message}>
              <span className={isBad ? 'alphintra-Field-complaint' : ''}>{runText(run.state, trans)}</span>
              {run.error && isBad ? ` ${run.error.message || run.error.code}` : ''}
            </td>
            <td>{took === null ? '\u2013' : `${took.toFixed(1)} s`}</td>
          </tr>
        );
      })}
    </PlainTable>
  );
}

/** What it is and how it stands, with what can be done. */
function Head(props: IConnectorOptions & { connector: IConnector; now: number; onEdit: () => void }): JSX.Element {
  const { connector, actions, now } = props;
  const { trans } = props.alphintra;
  useKeptFocus(connector.running !== null);
  const standing = standingOf(connector, now, trans);
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    [trans.__('Source'), sourceText(connector)],
    [
      trans.__('Dataset'),
      // Before it has a row there is nothing to open, but the name is to be read.
      connector.last_row === null ? (
        connector.dataset
      ) : (
        <button key="dataset" type="button" className="alphintra-Chip" onClick={() => props.onDataset(connector.dataset)}>
          {connector.dataset}
        </button>
      )
    ],
    [trans.__('Rows to'), momentText(connector.last_row)],
    [trans.__('Runs'), scheduleText(connector.schedule, trans)],
    [
      trans.__('Next run'),
      connector.next_run_at === null ? '\u2013' : `${momentText(connector.next_run_at)}, ${dueText(connector, now, trans)}`
    ],
    [
      trans.__('Last success'),
      connector.last_success_at === null
        ? '\u2013'
        : `${momentText(connector.last_success_at)}, ${agoText(connector.last_success_at, now, trans)}`
    ],
    [
      trans.__('Read'),
      connector.source.kind === 'exchange' ? (
        trans.__('as its bars are')
      ) : connector.mapping === null ? (
        trans.__('as is asked after its next run')
      ) : (
        <>
          {trans.__('as you said')}{' '}
          <button key="read" type="button" className="alphintra-Chip" onClick={() => void actions.askAgain(connector)}>
            {trans.__('ask again')}
          </button>
        </>
      )
    ],
    [trans.__('Secret'), connector.secrets.length > 0 ? connector.secrets.join(', ') : trans.__('none')]
  ];
  return (
    <>
      <header className="alphintra-Header">
        <div className="alphintra-Header-facts">
          <h2>{connector.name}</h2>
          <span className="alphintra-Chip">{kindText(connector.source.kind, trans)}</span>
            <span className={`alphintra-Connector-state alphintra-is-${standing.kind}`}>
              <i aria-hidden="true">{standing.mark}</i> {standing.kind === 'failed' ? trans.__('failed') : standing.text}
            </span>
        </div>
        <div className="alphintra-Header-actions alphintra-Dataset-actions" role="toolbar" aria-label={trans.__('What can be done with it')}>
          <button
            type="button"
            className="alphintra-Button alphintra-mod-primary"
            disabled={connector.running !== null}
            onClick={() => void actions.run(connector)}
          >
            {trans.__('Run now')}
          </button>
          <button type="button" className="alphintra-Button" onClick={() => void actions.pause(connector, !connector.paused)}>
            {/* Both labels have their place: the buttons beside it stay where they are. */}
            <span className="alphintra-Button-label">
              <span className={connector.paused ? 'alphintra-hidden' : ''}>{trans.__('Pause')}</span>
              <span className={connector.paused ? '' : 'alphintra-hidden'}>{trans.__('Resume')}</span>
            </span>
          </button>
          <button type="button" className="alphintra-Button" onClick={props.onEdit}>
            {trans.__('Change\u2026')}
          </button>
          <button
            type="button"
            className="alphintra-Button"
            onClick={() => void actions.remove(connector).then(isGone => isGone && props.onGone())}
          >
            {trans.__('Delete\u2026')}
          </button>
        </div>
      </header>
      {connector.last_error && connector.last_error.code !== 'NEEDS_MAPPING' && connector.running === null ? (
        <div className="alphintra-Problem" role="alert">
          {trans.__('The last run failed %1.', agoText(connector.last_error.at, now, trans))}{' '}
          {connector.last_error.message || connector.last_error.code}
          {connector.failures > 1 ? ` ${trans.__('%1 times in a row.', connector.failures)}` : ''}
        </div>
      ) : null}
      <dl className="alphintra-Connector-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Document(props: IConnectorOptions): JSX.Element {
  const { id, alphintra, api, jobs, model } = props;
  const { trans } = alphintra;
  const { found, error, read } = useRead(props);
  useSignals(jobs.active.changed, jobs.connection.changed);
  const now = useMinute();
  const [form, setForm] = React.useState<IConnectorForm | null>(null);
  /** Set up under one key, however often it is tried with the same body. */
  const key = React.useRef({ body: '', key: '' });
  if (error !== null) {
    return <Failure error={error} title={trans.__('The connector could not be read.')} trans={trans} onRetry={read} />;
  }
  if (found === null) {
    return (
      <div aria-busy="true" aria-label={trans.__('Loading')}>
        <div className="alphintra-Skeleton" style={{ width: '40%', height: 24 }} />
        <div className="alphintra-Skeleton" style={{ width: '70%', height: 120, marginTop: 16 }} />
        <div className="alphintra-Skeleton" style={{ width: '100%', height: 160, marginTop: 16 }} />
      </div>
    );
  }
  const { connector, runs, schema } = found;
  if (connector === null) {
    return (
      <>
        <h2>{trans.__('New connector')}</h2>
        <ConnectorFormView
          schema={schema}
          connector={null}
          form={form ?? emptyForm(schema)}
          trans={trans}
          onChange={setForm}
          onSend={async own => {
            const body = newBody(schema, own);
            const text = JSON.stringify(body);
            if (key.current.body !== text) {
              key.current = { body: text, key: UUID.uuid4() };
            }
            const made = await api.create(body, key.current.key);
            void model.refresh();
            props.onMade(made.id);
          }}
          onLeave={props.onGone}
        />
      </>
    );
  }
  if (form !== null) {
    return (
      <>
        <h2>{connector.name}</h2>
        <ConnectorFormView
          schema={schema}
          connector={connector}
          form={form}
          trans={trans}
          onChange={setForm}
          onSend={async own => {
            const change = changeBody(schema, own, connector);
            if (Object.keys(change).length > 0) {
              await api.change(id!, change);
            }
            setForm(null);
            read();
            void model.refresh();
          }}
          onLeave={() => setForm(null)}
        />
      </>
    );
  }
  const [last] = runs;
  return (
    <>
      <Head {...props} connector={connector} now={now} onEdit={() => setForm(formOf(connector, schema))} />
      <div className="alphintra-Connector-progress">
        {connector.running !== null && last ? (
          <JobProgress
            job={jobs.active.find(last.job_id) ?? { status: 'PENDING', phase: null, progress: null }}
            name={connector.name}
            trans={trans}
            stale={!jobs.connection.isUp}
            onStop={() => jobs.stop(last.job_id)}
          />
        ) : null}
      </div>
      {last?.state === 'NEEDS_MAPPING' && last.upload_id !== null && connector.mapping === null ? (
        <ConnectorMapping {...props} connector={connector} upload={last.upload_id} />
      ) : null}
      <section aria-label={trans.__('Runs')}>
        <h3>{trans.__('Runs')}</h3>
        <Runs runs={runs} trans={trans} onJob={props.onJob} />
      </section>
    </>
  );
}

export class ConnectorDocument extends ReactWidget {
  constructor(private readonly _options: IConnectorOptions) {
    super();
    this.addClass('alphintra-ResultWidget');
    this.node.tabIndex = 0;
  }

  get connectorId(): string | null {
    return this._options.id;
  }

  protected override render(): JSX.Element {
    return (
      <article className="alphintra-Result alphintra-ConnectorView" aria-label={this._options.alphintra.trans.__('Connector')}>
        <Document {...this._options} />
      </article>
    );
  }
}

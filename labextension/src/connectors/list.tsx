/** The connectors in the panel: how each stands, when it runs next, how fresh its dataset is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IConnector } from '../api/connectors.js';
import { describe } from '../api/problem.js';
import { freshness } from '../datasets/words.js';
import { step } from '../datasets/row.js';
import { Failure } from '../failure.js';
import { JobProgress } from '../jobs/progress.js';
import { ListSkeleton } from '../panelList.js';
import type { IJobs } from '../tokens.js';
import type { ConnectorActions } from './actions.js';
import type { ConnectorsModel } from './model.js';
import { dueText, kindText, scheduleText, standingOf, sourceText } from './words.js';

interface IProps {
  model: ConnectorsModel;
  actions: ConnectorActions;
  jobs: IJobs;
  trans: TranslationBundle;
  now: number;
  /** The one that is open in front. */
  current: string | null;
  onOpen: (id: string) => void;
  onNew: () => void;
}

function PauseOrResume(props: {
  connector: IConnector;
  actions: ConnectorActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { connector, actions, trans } = props;
  return (
    <IconButton
      label={connector.paused ? trans.__('Resume %1', connector.name) : trans.__('Pause %1', connector.name)}
      icon={connector.paused ? resumeIcon : pauseIcon}
      onPress={() => void actions.pause(connector, !connector.paused)}
    />
  );
}

function IconButton(props: { label: string; icon: LabIcon; disabled?: boolean; onPress: () => void }): JSX.Element {
  return (
    <button
      type="button"
      className="alphintra-IconButton"
      title={props.label}
      aria-label={props.label}
      disabled={props.disabled}
      onClick={event => {
        event.stopPropagation();
        props.onPress();
      }}
    >
      <props.icon.react tag="span" elementSize="small" />
    </button>
  );
}

function Row(props: IProps & { connector: IConnector }): JSX.Element {
  const { connector, model, actions, jobs, trans, now } = props;
  const standing = standingOf(connector, now, trans);
  const run = model.lastRun(connector.id);
  const job = jobs.active.find(run?.job_id);
  const schedule = scheduleText(connector.schedule, trans);
  const due = dueText(connector, now, trans);
  const fresh = connector.last_row === null ? '' : freshness(connector.last_row, now, trans);
  const last = connector.last_row === null ? trans.__('no rows yet') : trans.__('rows to %1', connector.last_row.slice(0, 10));
  const kind = kindText(connector.source.kind, trans);
  return (
    <li
      className={`alphintra-Item alphintra-Connector ${props.current === connector.id ? 'alphintra-mod-current' : ''}`}
      data-connector={connector.name}
      data-state={standing.kind}
      tabIndex={0}
      aria-label={[connector.name, kind, connector.dataset, schedule, due, last, fresh, standing.text].filter(Boolean).join(', ')}
      title={[connector.name, sourceText(connector), schedule].join('\n')}
      onClick={() => props.onOpen(connector.id)}
      onKeyDown={event => {
        if (event.target !== event.currentTarget) {
          return;
        }
        if (event.key === 'Enter') {
          event.preventDefault();
          props.onOpen(connector.id);
        } else {
          step(event);
        }
      }}
    >
      <div className="alphintra-Item-line">
        <b>{connector.name}</b>
        <span className="alphintra-Connector-buttons">
          <IconButton
            label={trans.__('Run %1 now', connector.name)}
            icon={runIcon}
            disabled={connector.running !== null}
            onPress={() => void actions.run(connector)}
          />
          <PauseOrResume connector={connector} actions={actions} trans={trans} />
        </span>
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        <span className="alphintra-Dataset-from">{kind}</span>
        <span>
          {'\u2192 '}
          {connector.dataset}
        </span>
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        <span>{schedule}</span>
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        <span>{[last, fresh].filter(Boolean).join(' \u00b7 ')}</span>
        <span className="alphintra-Dataset-fresh">{standing.text === due ? '' : due}</span>
      </div>
      {standing.kind === 'running' ? (
        <JobProgress
          job={job ?? { status: 'PENDING', phase: null, progress: null }}
          name={connector.name}
          trans={trans}
          stale={!jobs.connection.isUp}
          narrow
          onStop={() => {
            if (run) {
              jobs.stop(run.job_id);
            }
          }}
        />
      ) : (
        <div
          className={`alphintra-Dataset-state alphintra-Connector-state alphintra-is-${standing.kind}`}
          title={standing.text}
        >
          <i aria-hidden="true">{standing.mark}</i> {standing.text}
        </div>
      )}
    </li>
  );
}

export function ConnectorList(props: IProps): JSX.Element {
  const { model, jobs, trans } = props;
  if (model.state === 'loading') {
    return <ListSkeleton widths={['55%', '80%', '70%', '45%']} trans={trans} />;
  }
  if (model.state === 'error') {
    return (
      <Failure
        error={model.error}
        title={trans.__('The connectors could not be read.')}
        trans={trans}
        onRetry={() => void model.refresh()}
      />
    );
  }
  const stale = !jobs.connection.isUp;
  return (
    <>
      {stale || model.error !== null ? (
        <p className="alphintra-Problem" role="alert">
          {stale
            ? trans.__('The server does not answer. It is asked again; until then this list is as it was.')
            : trans.__('The list could not be read anew. %1', describe(model.error).text)}
        </p>
      ) : null}
      {model.items.length === 0 ? (
        <div className="alphintra-Panel-message">
          <p>
            {trans.__(
              'A connector keeps a dataset fresh: it fetches what is new from a web address, a crypto exchange or a PostgreSQL server, by hand or on a schedule.'
            )}
          </p>
          <button type="button" className="alphintra-Button alphintra-mod-primary" onClick={props.onNew}>
            {trans.__('Set up a connector')}
          </button>
        </div>
      ) : (
        <ul className="alphintra-Items" aria-label={trans.__('Connectors, by name')}>
          {model.items.map(connector => (
            <Row key={connector.id} {...props} connector={connector} />
          ))}
        </ul>
      )}
    </>
  );
}

/** A clock's hand that goes on: a triangle would be another run. */
const resumeIcon = new LabIcon({
  name: 'alphintra:resume',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <path fill-rule="evenodd" d="M8 1.500a6.500 6.500 0 1 1-6.500 6.500H3a5 5 0 1 0 1.600-3.700L6.500 6H1.500V1l2 2.200A6.500 6.500 0 0 1 8 1.500zM7.300 4.500h1.400v3.300l2.300 1.400-.7 1.200-3-1.800z"/>
  </g>
</svg>`
});

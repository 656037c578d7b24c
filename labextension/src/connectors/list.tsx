/** The connectors in the panel: how each stands, when it runs next, how fresh its dataset is. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon, pauseIcon, runIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IConnector } from '../api/connectors.js';
import { freshness } from '../datasets/words.js';
import { JobProgress } from '../jobs/progress.js';
import { IconButton, Row, Rows } from '../lists/rows.js';
import { Lateness, ListSkeleton, ListStates, Told } from '../lists/states.js';
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

function ConnectorRow(props: IProps & { connector: IConnector }): JSX.Element {
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
    <Row
      id={connector.id}
      label={[connector.name, kind, connector.dataset, schedule, due, last, fresh, standing.text].filter(Boolean).join(', ')}
      className="alphintra-Connector"
      current={props.current === connector.id}
      data-connector={connector.name}
      data-state={standing.kind}
      title={[connector.name, sourceText(connector), schedule].join('\n')}
      onOpen={() => props.onOpen(connector.id)}
    >
      <div className="alphintra-Item-line">
        <b>{connector.name}</b>
        <span className="alphintra-Connector-buttons">
          <IconButton
            label={trans.__('Run %1 now', connector.name)}
            icon={runIcon}
            size="small"
            disabled={connector.running !== null}
            onPress={() => void actions.run(connector)}
          />
          <IconButton
            label={connector.paused ? trans.__('Resume %1', connector.name) : trans.__('Pause %1', connector.name)}
            icon={connector.paused ? resumeIcon : pauseIcon}
            size="small"
            onPress={() => void actions.pause(connector, !connector.paused)}
          />
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
    </Row>
  );
}

export function ConnectorList(props: IProps): JSX.Element {
  const { model, jobs, trans } = props;
  return (
    <ListStates
      model={model}
      trans={trans}
      skeleton={<ListSkeleton widths={['55%', '80%', '70%', '45%']} trans={trans} />}
      failed={trans.__('The connectors could not be read.')}
    >
      {model.items.length === 0 ? (
        <Told
          text={trans.__(
            'A connector keeps a dataset fresh: it fetches what is new from a web address, a crypto exchange or a PostgreSQL server, by hand or on a schedule.'
          )}
          label={trans.__('Set up a connector')}
          isPrimary
          onPress={props.onNew}
        />
      ) : (
        <Rows
          label={trans.__('Connectors, by name')}
          ids={model.items.map(connector => connector.id)}
          current={props.current}
        >
          {model.items.map(connector => (
            <ConnectorRow key={connector.id} {...props} connector={connector} />
          ))}
        </Rows>
      )}
      <Lateness model={model} isAway={!jobs.connection.isUp} trans={trans} />
    </ListStates>
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

/** The Backtests panel: this user's runs, newest first. */

import {
  ReactWidget,
  addIcon,
  closeIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { describe } from '../api/problem.js';
import type { IBacktest } from '../api/types.js';
import type { ChecksOverview, IOverviewItem } from '../checks/overview.js';
import { ChecksSection } from '../checks/section.js';
import { Failure } from '../failure.js';
import { markIcon } from '../icons.js';
import { doingParts, leftText } from '../jobs/words.js';
import { ListSkeleton, useMinute, useSignals } from '../panelList.js';
import { CommandIDs, IJobs } from '../tokens.js';
import type { BacktestsModel } from './model.js';
import { RunRow } from './row.js';
import { FEWEST, MOST, RunSelection, canCompare } from './selection.js';

interface IProps {
  model: BacktestsModel;
  jobs: IJobs;
  selection: RunSelection;
  overview: ChecksOverview;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** The run that is open in front. */
  current: () => string | null;
  onShowLine: (run: IBacktest) => void;
  onDebug: ((run: IBacktest) => void) | null;
  onRunChecks: (item: IOverviewItem) => void;
}

function Empty({ trans, commands }: IProps): JSX.Element {
  return (
    <div className="alphintra-Panel-message">
      <p>
        {trans.__(
          'Here are your backtests: what ran, how far it is, how it went. Press Backtest in the toolbar of a notebook or a Python file, or start from a template.'
        )}
      </p>
      <button
        type="button"
        className="alphintra-Button alphintra-mod-primary"
        onClick={() => void commands.execute(CommandIDs.openTemplates)}
      >
        {trans.__('Browse templates')}
      </button>
    </div>
  );
}

function Runs(props: IProps & { now: number }): JSX.Element {
  const { model, jobs, selection, trans, commands } = props;
  const stale = !jobs.connection.isUp;
  const runs = model.visible;
  const current = props.current();
  const stop = (run: IBacktest): void => {
    model.cancel(run.id).catch((reason: unknown) => {
      Notification.error(
        trans.__('The run could not be stopped. %1', describe(reason).text)
      );
    });
  };
  return (
    <>
      {stale || model.error !== null ? (
        <p className="alphintra-Problem" role="alert">
          {stale
            ? trans.__('The server does not answer. It is asked again; until then this list is as it was.')
            : trans.__('The list could not be read anew. %1', describe(model.error).text)}
        </p>
      ) : null}
      <ul className="alphintra-Items" aria-label={trans.__('Runs, newest first')}>
        {runs.map(run => (
          <RunRow
            key={run.id}
            run={run}
            now={props.now}
            current={run.id === current}
            chosen={selection.has(run.id)}
            position={(jobs.active.find(run.job_id) ?? jobs.active.findFor(run.id))?.position ?? null}
            stale={stale}
            trans={trans}
            onOpen={() =>
              void commands.execute(CommandIDs.openRun, { id: run.id })
            }
            onChoose={extend =>
              extend ? selection.extend(run, runs) : selection.toggle(run)
            }
            onCancel={() => stop(run)}
            onShowLine={() => props.onShowLine(run)}
            {...(props.onDebug ? { onDebug: () => props.onDebug!(run) } : {})}
          />
        ))}
      </ul>
      {runs.length === 0 ? (
        <p className="alphintra-Panel-message alphintra-muted">
          {trans.__('No run has these words.')}
        </p>
      ) : null}
      {model.items.length < model.total ? (
        <button
          type="button"
          className="alphintra-Button alphintra-Items-more"
          onClick={() => void model.more()}
        >
          {trans.__('Show older runs')}
        </button>
      ) : null}
    </>
  );
}

/** Below the list: what is chosen, and the comparison of it. */
function Comparing({ model, selection, trans, commands }: IProps): JSX.Element | null {
  const count = selection.ids.length;
  if (count === 0 && model.items.filter(canCompare).length < FEWEST) {
    return null;
  }
  return (
    <div className="alphintra-Panel-foot">
      <button
        type="button"
        className="alphintra-Button"
        disabled={!selection.isEnough}
        onClick={() => void commands.execute(CommandIDs.compareRuns)}
      >
        {trans.__('Compare')}
      </button>
      <span className="alphintra-muted" role="status">
        {count > MOST
          ? trans.__('%1 chosen; at most %2', count, MOST)
          : count === 0
            ? trans.__('Tick two or more')
            : count === 1
              ? trans.__('1 chosen; one more')
              : trans.__('%1 chosen', count)}
      </span>
      {count > 0 ? (
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Choose none')}
          onClick={() => selection.clear()}
        >
          <closeIcon.react tag="span" elementSize="normal" />
        </button>
      ) : null}
    </div>
  );
}

function Body(props: IProps): JSX.Element {
  const { model, trans, commands } = props;
  useSignals(model.changed, props.selection.changed, props.jobs.active.changed, props.jobs.connection.changed);
  const now = useMinute();
  const full = model.items.length > 0;
  return (
    <>
      <div className="alphintra-Panel-head">
        <h2>{trans.__('Backtests')}</h2>
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('New strategy')}
          onClick={() => void commands.execute(CommandIDs.newStrategy)}
        >
          <addIcon.react tag="span" elementSize="normal" />
        </button>
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Refresh the list')}
          onClick={() => void commands.execute(CommandIDs.refreshBacktests)}
        >
          <refreshIcon.react tag="span" elementSize="normal" />
        </button>
      </div>
      <div className="alphintra-Panel-filter" data-lm-suppress-shortcuts="true">
        <input
          type="search"
          className="alphintra-Input"
          placeholder={trans.__('Filter: strategy, data')}
          aria-label={trans.__('Filter the runs')}
          value={model.filter}
          disabled={!full}
          onChange={event => {
            model.filter = event.target.value;
          }}
        />
      </div>
      <div className="alphintra-Panel-body">
        {model.state === 'loading' ? (
          <ListSkeleton widths={['55%', '75%', '65%']} trans={trans} />
        ) : model.state === 'error' ? (
          <Failure
            error={model.error}
            title={trans.__('The runs could not be read.')}
            trans={trans}
            onRetry={() => void model.refresh()}
          />
        ) : full ? (
          <Runs {...props} now={now} />
        ) : (
          <Empty {...props} />
        )}
      </div>
      <ChecksSection
        overview={props.overview}
        trans={trans}
        doing={run => {
          const job = props.jobs.active.findFor(run.id);
          return job ? [...doingParts(job, trans), leftText(job, trans)].filter(Boolean).join(' \u00b7 ') : null;
        }}
        onOpen={item =>
          void commands.execute(CommandIDs.openChecks, {
            strategy: item.strategy,
            name: item.name
          })
        }
        onRun={props.onRunChecks}
      />
      <Comparing {...props} />
    </>
  );
}

export class BacktestsPanel extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.id = 'alphintra-backtests';
    this.title.icon = markIcon;
    this.title.caption = options.trans.__('Backtests');
    this.addClass('alphintra-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', options.trans.__('Backtests'));
  }

  protected override render(): JSX.Element {
    return <Body {...this._options} />;
  }

  private _options: IProps;
}

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
import { markIcon } from '../icons.js';
import { doingParts, leftText } from '../jobs/words.js';
import { useMinute, useSignals } from '../lists/redraw.js';
import { IconButton, Rows } from '../lists/rows.js';
import { SearchField } from '../lists/search.js';
import { Lateness, ListSkeleton, ListStates, More, Told } from '../lists/states.js';
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
    <Told
      text={trans.__(
        'Here are your backtests: what ran, how far it is, how it went. Press Backtest in the toolbar of a notebook or a Python file, or start from a template.'
      )}
      label={trans.__('Browse templates')}
      isPrimary
      onPress={() => void commands.execute(CommandIDs.openTemplates)}
    />
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
      {runs.length === 0 ? (
        <Told
          text={trans.__('No run has these words.')}
          label={trans.__('Show all runs')}
          onPress={() => {
            model.filter = '';
          }}
        />
      ) : (
        <Rows label={trans.__('Runs, newest first')} ids={runs.map(run => run.id)} current={current} multiple>
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
        </Rows>
      )}
      <More model={model} trans={trans} label={trans.__('Show older runs')} />
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
        <IconButton label={trans.__('Choose none')} icon={closeIcon} onPress={() => selection.clear()} />
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
        <IconButton
          label={trans.__('New strategy')}
          icon={addIcon}
          onPress={() => void commands.execute(CommandIDs.newStrategy)}
        />
        <IconButton
          label={trans.__('Refresh the list')}
          icon={refreshIcon}
          onPress={() => void commands.execute(CommandIDs.refreshBacktests)}
        />
      </div>
      <div className="alphintra-Panel-filter" data-lm-suppress-shortcuts="true">
        <SearchField
          placeholder={trans.__('Filter: strategy, data')}
          label={trans.__('Filter the runs')}
          value={model.filter}
          isHere
          disabled={!full}
          onSearch={words => {
            model.filter = words;
          }}
        />
      </div>
      <div className="alphintra-Panel-body" aria-busy={model.isReading}>
        <ListStates
          model={model}
          trans={trans}
          skeleton={<ListSkeleton widths={['55%', '75%', '65%']} trans={trans} />}
          failed={trans.__('The runs could not be read.')}
        >
          {full ? <Runs {...props} now={now} /> : <Empty {...props} />}
          <Lateness model={model} isAway={!props.jobs.connection.isUp} trans={trans} />
        </ListStates>
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

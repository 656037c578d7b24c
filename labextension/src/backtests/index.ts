/** The plugin of the Backtests panel and of opened runs. */

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';

import { describe } from '../api/problem.js';
import type { IBacktest } from '../api/types.js';
import { ChecksOverview } from '../checks/overview.js';
import { markIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, IBacktests, IJobs, IReplays } from '../tokens.js';
import { showSource } from '../run/source.js';
import { ComparisonDocument } from './comparison.js';
import { RunDocument } from './document.js';
import { BacktestsModel } from './model.js';
import { BacktestsPanel } from './panel.js';
import { RunSelection } from './selection.js';

export const backtestsPlugin: JupyterFrontEndPlugin<IBacktests> = {
  id: '@alphintra/lab:backtests',
  description: 'Lists runs, follows them and opens their results.',
  autoStart: true,
  requires: [IAlphintra, IJobs],
  optional: [ICommandPalette, ILayoutRestorer, IReplays],
  provides: IBacktests,
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    jobs: IJobs,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    replays: IReplays | null
  ): IBacktests => {
    const { commands, shell } = app;
    const { client, trans } = alphintra;
    const model = new BacktestsModel(client);
    const tracker = new WidgetTracker<MainAreaWidget<RunDocument>>({
      namespace: 'alphintra-runs'
    });
    const selection = new RunSelection();
    const overview = new ChecksOverview(client);
    // Before the panel: it draws what these make of the runs.
    model.changed.connect(() => {
      overview.follow(model.items);
      if (model.state === 'ready') {
        selection.keep(model.items);
      }
    });
    const panel = new BacktestsPanel({
      model,
      jobs,
      selection,
      overview,
      trans,
      commands,
      current: () => tracker.currentWidget?.content.runId ?? null,
      onRunChecks: item => {
        const release = jobs.announcer.hold();
        client
          .runChecks(item.strategy)
          .then(({ run_id: run }) => {
            jobs.announcer.startedHere(run);
            return overview.refresh([item.strategy]);
          })
          .catch((reason: unknown) => {
            Notification.error(
              trans.__('The checks of %1 did not start. %2', item.name, describe(reason).text)
            );
          })
          .finally(release);
      },
      onShowLine: (run: IBacktest) => void showSource(app, run, trans),
      onDebug: replays && (run => void replays.openRun(run.id, null))
    });
    shell.add(panel, 'left', { rank: 350, type: 'Backtests' });
    tracker.currentChanged.connect(() => panel.update());

    const open = (id: string): MainAreaWidget<RunDocument> => {
      const shown = tracker.find(widget => widget.content.runId === id);
      if (shown) {
        shell.activateById(shown.id);
        return shown;
      }
      const widget: MainAreaWidget<RunDocument> = new MainAreaWidget({
        content: new RunDocument({
          id,
          client,
          model,
          jobs,
          alphintra,
          replays,
          onTitle: title => {
            widget.title.label = title;
          }
        })
      });
      widget.id = `alphintra-run-${id}`;
      widget.title.label = trans.__('Backtest');
      widget.title.caption = trans.__('Run %1', id);
      widget.title.icon = markIcon;
      widget.title.closable = true;
      shell.add(widget, 'main', { type: 'Backtest' });
      void tracker.add(widget);
      shell.activateById(widget.id);
      return widget;
    };

    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open a Backtest'),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string', description: 'Id of the run' } },
          required: ['id']
        }
      },
      execute: args => {
        if (typeof args.id !== 'string' || args.id === '') {
          throw new Error('The command needs the id of a run.');
        }
        return open(args.id);
      }
    });
    const comparisons = new WidgetTracker<MainAreaWidget<ComparisonDocument>>({
      namespace: 'alphintra-comparisons'
    });
    const compare = (ids: readonly string[]): MainAreaWidget<ComparisonDocument> => {
      const id = `alphintra-comparison-${ids.join('-')}`;
      const shown = comparisons.find(item => item.id === id);
      if (shown) {
        shell.activateById(id);
        return shown;
      }
      const widget: MainAreaWidget<ComparisonDocument> = new MainAreaWidget({
        content: new ComparisonDocument({ ids: [...ids], model, alphintra })
      });
      widget.id = id;
      widget.title.label = trans._n('Compare %1 run', 'Compare %1 runs', ids.length, ids.length);
      widget.title.caption = ids
        .map(item => model.find(item)?.strategy_name ?? item)
        .join(', ');
      widget.title.icon = markIcon;
      widget.title.closable = true;
      shell.add(widget, 'main', { type: 'Comparison' });
      void comparisons.add(widget);
      shell.activateById(id);
      return widget;
    };
    commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare Chosen Backtests'),
      icon: markIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            ids: {
              type: 'array',
              items: { type: 'string' },
              description: 'Ids of completed runs; those chosen in the panel unless given'
            }
          }
        }
      },
      isEnabled: args => Array.isArray(args.ids) || selection.isEnough,
      execute: args =>
        compare(Array.isArray(args.ids) ? args.ids.map(String) : selection.ids)
    });
    selection.changed.connect(() =>
      commands.notifyCommandChanged(CommandIDs.compareRuns)
    );
    commands.addCommand(CommandIDs.showBacktests, {
      label: trans.__('Show Backtests'),
      icon: markIcon,
      execute: () => shell.activateById(panel.id)
    });
    commands.addCommand(CommandIDs.refreshBacktests, {
      label: trans.__('Refresh Backtests'),
      execute: () => model.refresh()
    });
    for (const command of [
      CommandIDs.showBacktests,
      CommandIDs.refreshBacktests,
      CommandIDs.compareRuns
    ]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    if (restorer) {
      restorer.add(panel, panel.id);
      void restorer.restore(tracker, {
        command: CommandIDs.openRun,
        args: widget => ({ id: widget.content.runId }),
        name: widget => widget.content.runId
      });
      void restorer.restore(comparisons, {
        command: CommandIDs.compareRuns,
        args: widget => ({ ids: [...widget.content.ids] }),
        name: widget => widget.content.ids.join('-')
      });
    }
    jobs.feed.received.connect((_, event) => {
      void model.apply(event);
      void overview.apply(event);
    });
    jobs.stale.connect(() => {
      void model.refresh();
      if (overview.shown) {
        void overview.refresh();
      }
    });
    model.changed.connect(() => {
      if (model.error !== null) {
        void jobs.connection.suspect();
      }
    });
    // Not once the layout is restored: the panel may be shown before, and a restoration may wait for others.
    void model.refresh();
    return {
      model,
      open: id => {
        open(id);
      },
      reveal: () => shell.activateById(panel.id)
    };
  }
};

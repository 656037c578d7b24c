/** The plugin of strategies' checks. */

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { canCompare } from '../backtests/selection.js';
import { markIcon } from '../icons.js';
import { CommandIDs, IAlphintra, IBacktests, IJobs } from '../tokens.js';
import { ChecksDocument } from './document.js';
import { ChecksModel } from './model.js';

export const checksPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:checks',
  description: "Edits and runs strategies' checks and shows their history.",
  autoStart: true,
  requires: [IAlphintra, IBacktests, IJobs],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    backtests: IBacktests,
    jobs: IJobs,
    restorer: ILayoutRestorer | null
  ): void => {
    const { commands, shell } = app;
    const { client, trans } = alphintra;
    const tracker = new WidgetTracker<MainAreaWidget<ChecksDocument>>({
      namespace: 'alphintra-checks'
    });
    const open = (strategy: string, name: string): MainAreaWidget<ChecksDocument> => {
      const shown = tracker.find(item => item.content.model.strategy === strategy);
      if (shown) {
        shell.activateById(shown.id);
        return shown;
      }
      const widget: MainAreaWidget<ChecksDocument> = new MainAreaWidget({
        content: new ChecksDocument({
          model: new ChecksModel(client, strategy),
          name,
          jobs,
          alphintra,
          latest: () =>
            backtests.model.items.find(
              run => run.strategy_id === strategy && canCompare(run)
            ) ?? null
        })
      });
      widget.id = `alphintra-checks-${strategy}`;
      widget.title.label = trans.__('Checks of %1', name);
      widget.title.icon = markIcon;
      widget.title.closable = true;
      shell.add(widget, 'main', { type: 'Checks' });
      void tracker.add(widget);
      shell.activateById(widget.id);
      return widget;
    };
    commands.addCommand(CommandIDs.openChecks, {
      label: trans.__("Open a Strategy's Checks"),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            strategy: { type: 'string', description: 'Id of the strategy' },
            name: { type: 'string', description: 'What it is called' }
          },
          required: ['strategy']
        }
      },
      execute: args => {
        if (typeof args.strategy !== 'string' || args.strategy === '') {
          throw new Error('The command needs the id of a strategy.');
        }
        return open(args.strategy, String(args.name ?? args.strategy));
      }
    });
    jobs.feed.received.connect((_, event) => {
      tracker.forEach(widget => {
        void widget.content.model.apply(event);
      });
    });
    jobs.stale.connect(() => {
      tracker.forEach(widget => {
        void widget.content.model.refresh();
      });
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openChecks,
        args: widget => ({
          strategy: widget.content.model.strategy,
          name: widget.content.strategyName
        }),
        name: widget => widget.content.model.strategy
      });
    }
  }
};

/** The plugin that leads from an error, a fill, a refusal or a trade to its bar. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import { CATEGORY, CommandIDs, IAlphintra, IReplays } from '../tokens.js';
import { FailureWidget } from './failureView.js';
import { FAILURE_MIME } from './payload.js';
import { Replays } from './standing.js';

/** What stands at the bar of the kernel's last run that raised. */
const POST_MORTEM = 'al.post_mortem()';

/** A failure in an output area. */
class FailureRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(alphintra: IAlphintra, replays: IReplays) {
    super();
    this._alphintra = alphintra;
    this._replays = replays;
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const widget = new FailureWidget(model.data[FAILURE_MIME], this._alphintra.trans, node => {
      void this._replays.insertBelow(node, POST_MORTEM);
    });
    [...this.widgets].forEach(old => old.dispose());
    this.addWidget(widget);
    await widget.renderPromise;
  }

  private readonly _alphintra: IAlphintra;
  private readonly _replays: IReplays;
}

export const postMortemPlugin: JupyterFrontEndPlugin<IReplays> = {
  id: '@alphintra/lab:post-mortem',
  description: 'Opens the replay at the bar of an error, a fill, a refusal or a trade.',
  autoStart: true,
  requires: [IAlphintra, INotebookTracker, IRenderMimeRegistry],
  optional: [ICommandPalette, IDefaultFileBrowser],
  provides: IReplays,
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null
  ): IReplays => {
    const { commands } = app;
    const { trans } = alphintra;
    const replays = new Replays({ app, alphintra, notebooks, browser });
    // The payload is data that React escapes, and the button runs code of its own, so that untrusted notebooks have it too.
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [FAILURE_MIME],
        defaultRank: 10,
        createRenderer: () => new FailureRenderer(alphintra, replays)
      },
      0
    );
    commands.addCommand(CommandIDs.postMortem, {
      label: trans.__('Debug at the Bar That Failed'),
      caption: trans.__('Replay the last run that raised in this notebook, at the bar before the error'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => notebooks.currentWidget !== null && notebooks.currentWidget === app.shell.currentWidget,
      execute: () => replays.insertBelow(null, POST_MORTEM)
    });
    commands.addCommand(CommandIDs.replayRun, {
      label: trans.__('Replay a Backtest at a Bar'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string', description: 'Id of the run' },
            at: { type: 'string', description: 'Date or time; that of its error unless given' }
          },
          required: ['id']
        }
      },
      execute: args => {
        if (typeof args.id !== 'string' || args.id === '') {
          throw new Error('The command needs the id of a run.');
        }
        return replays.openRun(args.id, typeof args.at === 'string' ? args.at : null);
      }
    });
    commands.addCommand(CommandIDs.why, {
      label: trans.__('Why: Replay at the Chosen Trade, Fill or Order'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => replays.choice !== null,
      execute: () => replays.choice?.go()
    });
    replays.choiceChanged.connect(() => commands.notifyCommandChanged(CommandIDs.why));
    app.shell.currentChanged?.connect(() => commands.notifyCommandChanged(CommandIDs.postMortem));
    for (const command of [CommandIDs.postMortem, CommandIDs.why]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    return replays;
  }
};

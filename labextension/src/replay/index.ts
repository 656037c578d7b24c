/** The plugin that shows replays in notebooks. The view itself is the kernel's: see `main.ts`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { goTo } from '../run/source.js';
import type { ILine } from './log.js';
import { REPLAY_MIME, ReplayRenderer } from './renderer.js';

/** Open what asked for an order: a file, or the cell that has the line. */
async function show(app: JupyterFrontEnd, panel: NotebookPanel, place: ILine): Promise<void> {
  const { file, line, code } = place;
  if (file !== null) {
    const path = PathExt.join(PathExt.dirname(panel.context.path), file);
    const opened = (await app.commands.execute('docmanager:open', { path })) as
      | IDocumentWidget
      | undefined;
    if (opened) {
      await goTo(opened, { cell: null, line });
    }
    return;
  }
  const index = panel.content.widgets.findIndex(
    ({ model }) => model.sharedModel.getSource().split('\n')[line - 1]?.trim().startsWith(code)
  );
  if (index >= 0 && code) {
    await goTo(panel, { cell: index + 1, line });
  }
}

export const replayPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:replay',
  description: 'Shows replays in outputs, and their last picture without a kernel.',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (panel: NotebookPanel) => {
        const { rendermime } = panel.content;
        rendermime.addFactory(
          {
            // It runs a widget's code, which an untrusted notebook must not; that one shows the picture.
            safe: false,
            mimeTypes: [REPLAY_MIME],
            createRenderer: () =>
              new ReplayRenderer(rendermime, place => void show(app, panel, place))
          },
          // Before Jupyter's renderer of widgets, whose rank is -10.
          -20
        );
      }
    });
  }
};

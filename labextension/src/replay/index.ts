/** The plugin that shows replays in notebooks. The view itself is the kernel's: see `main.ts`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { REPLAY_MIME, ReplayRenderer } from './renderer.js';

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
            createRenderer: () => new ReplayRenderer(rendermime)
          },
          // Before Jupyter's renderer of widgets, whose rank is -10.
          -20
        );
      }
    });
  }
};

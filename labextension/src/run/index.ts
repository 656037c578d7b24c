/** The plugin of the Backtest button on notebooks and Python files. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ToolbarButton } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

import { markIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, IBacktests, IJobs } from '../tokens.js';
import { RunFlow } from './flow.js';
import { showForPython } from './pythonOnly.js';

type Document = IDocumentWidget<Widget, DocumentRegistry.IModel>;

export const runPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:run',
  description: 'Runs the strategy of a notebook or a Python file as a job.',
  autoStart: true,
  requires: [IAlphintra, IBacktests, IJobs],
  optional: [
    IToolbarWidgetRegistry,
    INotebookTracker,
    IEditorTracker,
    ICommandPalette
  ],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    backtests: IBacktests,
    jobs: IJobs,
    toolbars: IToolbarWidgetRegistry | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    palette: ICommandPalette | null
  ) => {
    const { trans } = alphintra;
    const flow = new RunFlow(alphintra, backtests, jobs);

    /** The document in front, if a strategy can be in it. */
    const current = (): Document | null => {
      const shown = app.shell.currentWidget;
      const notebook = notebooks?.currentWidget;
      if (notebook && notebook === shown) {
        return notebook as Document;
      }
      const editor = editors?.currentWidget;
      return editor && editor === shown && editor.context.path.endsWith('.py')
        ? (editor as Document)
        : null;
    };

    const add = (id: string, label: string, again: boolean): void => {
      app.commands.addCommand(id, {
        label,
        icon: markIcon,
        isEnabled: () => current() !== null,
        execute: async () => {
          const widget = current();
          if (widget) {
            await flow.run(widget, again);
          }
        }
      });
      palette?.addItem({ command: id, category: CATEGORY });
    };
    add(CommandIDs.backtest, trans.__('Backtest'), false);
    add(
      CommandIDs.backtestAgain,
      trans.__('Backtest Again with the Same Choices'),
      true
    );

    const button = (widget: Document): ToolbarButton =>
      new ToolbarButton({
        icon: markIcon,
        label: trans.__('Backtest'),
        tooltip: trans.__('Run the strategy of this file as a backtest'),
        className: 'alphintra-BacktestButton',
        onClick: () => void flow.run(widget, false)
      });
    toolbars?.addFactory<Document>('Notebook', 'alphintra-backtest', button);
    toolbars?.addFactory<Document>('Editor', 'alphintra-backtest', widget =>
      showForPython(button(widget), widget)
    );
  }
};

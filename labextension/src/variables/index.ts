/** The plugin of the Variables panel and of the views that it opens. */

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { CATEGORY, CommandIDs, IAlphintra } from '../tokens.js';
import { variablesIcon } from './icon.js';
import { kernelOf } from './kernel.js';
import { ITarget, VariablesModel } from './model.js';
import { VariablesPanel } from './panel.js';
import { VariableView } from './view.js';

/** The notebook as the model sees it. */
function targetOf(notebook: NotebookPanel | null): ITarget | null {
  if (notebook === null) {
    return null;
  }
  const { sessionContext, context } = notebook;
  return {
    path: context.path,
    isStarting: !sessionContext.isReady || sessionContext.kernelDisplayStatus === 'starting',
    kernel: kernelOf(sessionContext)
  };
}

export const variablesPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:variables',
  description: "Lists a notebook's trading objects while its cells run, and shows them.",
  autoStart: true,
  requires: [IAlphintra, INotebookTracker, IRenderMimeRegistry],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const { commands, shell } = app;
    const { trans } = alphintra;
    const model = new VariablesModel();
    const views = new WidgetTracker<MainAreaWidget<VariableView>>({
      namespace: 'alphintra-variables'
    });
    const inFront = (): string | null => {
      const widget = views.currentWidget;
      return widget?.isVisible ? widget.content.variableName : null;
    };
    const panel = new VariablesPanel({ model, trans, commands, current: inFront });
    shell.add(panel, 'right', { rank: 350, type: 'Variables' });
    views.currentChanged.connect(() => panel.update());

    let followed: NotebookPanel | null = null;
    const turn = (): void => model.turnTo(targetOf(followed));
    const status = (): void => model.statusChanged();
    const follow = (): void => {
      const notebook = notebooks.currentWidget;
      if (notebook === followed) {
        return;
      }
      if (followed && !followed.isDisposed) {
        followed.sessionContext.kernelChanged.disconnect(turn);
        followed.sessionContext.statusChanged.disconnect(status);
        followed.context.pathChanged.disconnect(turn);
      }
      followed = notebook;
      if (notebook) {
        notebook.sessionContext.kernelChanged.connect(turn);
        notebook.sessionContext.statusChanged.connect(status);
        notebook.context.pathChanged.connect(turn);
        void notebook.sessionContext.ready.then(() => {
          if (notebook === followed) {
            turn();
          }
        });
      }
      turn();
    };
    notebooks.currentChanged.connect(follow);
    follow();

    const open = (name: string): MainAreaWidget<VariableView> => {
      const notebook = followed;
      if (notebook === null) {
        throw new Error('There is no notebook whose variable could be shown.');
      }
      const id = `alphintra-variable-${notebook.id}-${name}`;
      const shown = views.find(widget => widget.id === id);
      if (shown) {
        shell.activateById(id);
        void shown.content.refresh();
        return shown;
      }
      const content = new VariableView({
        name,
        kernel: () => (notebook.isDisposed ? null : kernelOf(notebook.sessionContext)),
        rendermime,
        trans
      });
      const widget: MainAreaWidget<VariableView> = new MainAreaWidget({ content });
      widget.id = id;
      widget.title.label = name;
      widget.title.caption = trans.__('%1 of %2', name, notebook.context.path);
      widget.title.icon = variablesIcon;
      widget.title.closable = true;
      // Beside the notebook: what its cells do goes on to be seen.
      const beside = views.find(one => one.isVisible);
      shell.add(widget, 'main', {
        type: 'Variable',
        ref: beside?.id ?? notebook.id,
        mode: beside ? 'tab-after' : 'split-right'
      });
      void views.add(widget);
      shell.activateById(id);
      return widget;
    };

    commands.addCommand(CommandIDs.showVariables, {
      label: trans.__('Show Variables'),
      icon: variablesIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id)
    });
    commands.addCommand(CommandIDs.refreshVariables, {
      label: trans.__('Refresh Variables'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => model.refresh()
    });
    commands.addCommand(CommandIDs.openVariable, {
      label: trans.__('Open a Variable'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            name: { type: 'string', description: 'Name of a variable of the notebook in front' }
          },
          required: ['name']
        }
      },
      execute: args => {
        if (typeof args.name !== 'string' || args.name === '') {
          throw new Error('The command needs the name of a variable.');
        }
        return open(args.name);
      }
    });
    for (const command of [CommandIDs.showVariables, CommandIDs.refreshVariables]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    restorer?.add(panel, panel.id);
  }
};

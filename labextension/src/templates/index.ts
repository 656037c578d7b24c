/** The plugin of the launcher section: new strategies and the gallery of templates. */

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
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { describe } from '../api/problem.js';
import { markIcon, templatesIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, KERNEL } from '../tokens.js';
import { GalleryWidget } from './gallery.js';
import { strategyNotebook } from './strategyNotebook.js';

/** Make the notebook of a new strategy and return its path. */
async function createStrategy(
  contents: Contents.IManager,
  folder: string,
  alphintra: IAlphintra
): Promise<string> {
  const { defaultDataset, cash, commission } = alphintra.settings;
  const model = await contents.newUntitled({ path: folder, type: 'notebook' });
  await contents.save(model.path, {
    type: 'notebook',
    format: 'json',
    content: strategyNotebook(defaultDataset, cash, commission, () =>
      UUID.uuid4()
    )
  });
  return model.path;
}

export const templatesPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:templates',
  description: 'New strategies and the gallery of templates, from the launcher.',
  autoStart: true,
  requires: [IAlphintra],
  optional: [ILauncher, ICommandPalette, ILayoutRestorer, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const { commands, shell, serviceManager } = app;
    const { client, trans } = alphintra;
    const tracker = new WidgetTracker<MainAreaWidget<GalleryWidget>>({
      namespace: 'alphintra-templates'
    });

    const openNotebook = (path: string): Promise<unknown> =>
      commands.execute('docmanager:open', {
        path,
        factory: 'Notebook',
        kernel: { name: KERNEL }
      });

    commands.addCommand(CommandIDs.newStrategy, {
      label: args =>
        args.isLauncher ? trans.__('New strategy') : trans.__('New Strategy'),
      caption: trans.__('A notebook with the skeleton of a strategy'),
      icon: markIcon,
      execute: async args => {
        const folder =
          typeof args.cwd === 'string' ? args.cwd : (browser?.model.path ?? '');
        try {
          const path = await createStrategy(
            serviceManager.contents,
            folder,
            alphintra
          );
          return (await openNotebook(path)) as Widget;
        } catch (error) {
          Notification.error(
            trans.__(
              'The notebook could not be made. %1',
              describe(error).text
            )
          );
          return undefined;
        }
      }
    });

    commands.addCommand(CommandIDs.openTemplates, {
      label: args =>
        args.isLauncher ? trans.__('Templates') : trans.__('Browse Templates'),
      caption: trans.__('Strategies to start from'),
      icon: templatesIcon,
      execute: () => {
        const shown = tracker.currentWidget;
        if (shown && !shown.isDisposed) {
          shell.activateById(shown.id);
          return shown;
        }
        const widget = new MainAreaWidget({
          content: new GalleryWidget({
            client,
            trans,
            onCloned: async path => {
              await openNotebook(path);
            }
          })
        });
        widget.id = 'alphintra-templates';
        widget.title.label = trans.__('Templates');
        widget.title.icon = templatesIcon;
        widget.title.closable = true;
        shell.add(widget, 'main', { type: 'Templates' });
        void tracker.add(widget);
        shell.activateById(widget.id);
        return widget;
      }
    });

    for (const [rank, command] of [
      CommandIDs.newStrategy,
      CommandIDs.openTemplates
    ].entries()) {
      launcher?.add({
        command,
        category: trans.__('Alphintra'),
        rank,
        categoryRank: 0,
        args: { isLauncher: true }
      });
      palette?.addItem({ command, category: CATEGORY });
    }
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openTemplates,
        name: () => 'alphintra-templates'
      });
    }
  }
};

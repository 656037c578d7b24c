/** The plugin of the Datasets panel, of uploads and of opened datasets. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { IDataset } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { addConnectors } from '../connectors/index.js';
import { datasetsIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, IJobs } from '../tokens.js';
import { DatasetRenderer } from './cellChart.js';
import { DATASET_MIME } from './cellPayload.js';
import { DatasetDocument } from './document.js';
import { ImportDocument } from './importDocument.js';
import { Drafts } from './drafts.js';
import { DatasetsModel } from './model.js';
import { DatasetsPanel } from './panel.js';
import { StorageModel } from './storage.js';
import { IChosenFile, UploadsModel, inTurn } from './uploads.js';

/** Kinds of jobs that work on uploads and datasets. */
const KINDS: readonly string[] = ['fetch', 'inspect', 'ingest', 'validate', 'process'];

/** How soon it is seen what others share by now, in milliseconds. */
const SHARED_MS = 30_000;

const idArgs = (description: string): { args: ReadonlyJSONObject } => ({
  args: { type: 'object', properties: { id: { type: 'string', description } }, required: ['id'] }
});

/** Whether somebody writes in a document: keys that they press must not go anywhere else. */
function isWriting(): boolean {
  const { activeElement } = document;
  return (
    activeElement?.closest('#jp-main-dock-panel') != null &&
    activeElement.closest('input, select, textarea, .cm-editor, .xterm, [contenteditable=true]') !== null
  );
}

export const datasetsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:datasets',
  description: 'Lists datasets, takes files up, shows what is in them.',
  autoStart: true,
  requires: [IAlphintra, IJobs],
  optional: [ICommandPalette, ILayoutRestorer, IRenderMimeRegistry],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    jobs: IJobs,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const { commands, shell } = app;
    const { client, trans } = alphintra;
    const model = new DatasetsModel(client);
    const storage = new StorageModel(client);
    const subtle = crypto.subtle as SubtleCrypto | undefined;
    const uploads = new UploadsModel(
      { openUploads: limit => client.openUploads(limit), send: (path, init) => client.send(path, init) },
      window.localStorage,
      subtle ? bytes => subtle.digest('SHA-256', bytes) : null
    );
    const drafts = new Drafts(window.localStorage, app.serviceManager.serverSettings.baseUrl);
    const datasets = new WidgetTracker<MainAreaWidget<DatasetDocument>>({ namespace: 'alphintra-datasets' });
    const imports = new WidgetTracker<MainAreaWidget<ImportDocument>>({ namespace: 'alphintra-uploads' });

    const connectors = addConnectors({
      app,
      alphintra,
      jobs,
      palette,
      restorer,
      reveal: () => {
        panel.showList(true);
        shell.activateById(panel.id);
      },
      onCurrent: () => panel.update()
    });
    const refresh = (): void => {
      void connectors.model.refresh();
      void model.refresh();
      void uploads.refresh();
      void storage.refresh();
    };
    const addFiles = (files: readonly IChosenFile[]): void => {
      // The next thing that a person does with a file that has arrived is to look at how it is read, unless they write.
      // Of several the first comes to the front: the others would take its place while its questions are answered.
      const arrived = inTurn((id, after) => {
        const quietly = after !== null ? { after } : isWriting() ? {} : null;
        return openUpload(id, quietly).id;
      });
      for (const file of files) {
        uploads.add(file).then(arrived, (reason: unknown) => {
          Notification.error(trans.__('%1 could not be uploaded. %2', file.name, describe(reason).text));
        });
      }
    };
    const panel = new DatasetsPanel({
      model,
      storage,
      uploads,
      connectors,
      jobs,
      trans,
      commands,
      current: () => (datasets.currentWidget?.isVisible ? datasets.currentWidget.content.datasetId : null),
      onFiles: addFiles
    });
    shell.add(panel, 'left', { rank: 340, type: 'Datasets' });
    datasets.currentChanged.connect(() => panel.update());

    const place = <T extends Widget>(
      tracker: WidgetTracker<MainAreaWidget<T>>,
      id: string,
      title: string,
      make: (onTitle: (title: string) => void) => T,
      quietly: { after?: string } | null
    ): MainAreaWidget<T> => {
      const shown = tracker.find(own => own.id === id);
      if (shown) {
        if (quietly === null) {
          shell.activateById(id);
        }
        return shown;
      }
      const content: T = make(text => {
        widget.title.label = text;
      });
      const widget = new MainAreaWidget<T>({ content });
      widget.id = id;
      widget.title.label = title;
      widget.title.icon = datasetsIcon;
      widget.title.closable = true;
      shell.add(widget, 'main', { type: 'Dataset', activate: quietly === null, ref: quietly?.after });
      void tracker.add(widget);
      if (quietly === null) {
        shell.activateById(id);
      }
      return widget;
    };
    const openDataset = (
      id: string,
      version: number | null = null,
      quietly: { after?: string } | null = null
    ): MainAreaWidget<DatasetDocument> => {
      const own = `alphintra-dataset-${id}`;
      const widget = place(
        datasets,
        own,
        trans.__('Dataset'),
        onTitle =>
          new DatasetDocument({
            id,
            alphintra,
            jobs,
            model,
            drafts,
            version,
            onTitle,
            onOpen: (other, its) => void openDataset(other, its),
            onGone: () => {
              datasets.find(shown => shown.id === own)?.dispose();
              void model.refresh();
              void storage.refresh();
            }
          }),
        quietly
      );
      if (version !== null) {
        widget.content.showVersion(version);
      }
      return widget;
    };
    const openUpload = (id: string, quietly: { after?: string } | null = null): MainAreaWidget<ImportDocument> => {
      const own = `alphintra-upload-${id}`;
      // Who went on with something else while it was read stays there.
      const isLookedAt = (): boolean => imports.find(widget => widget.id === own)?.isVisible === true && !isWriting();
      const close = (): void => imports.find(widget => widget.id === own)?.dispose();
      return place(
        imports,
        own,
        trans.__('Upload'),
        onTitle =>
          new ImportDocument({
            id,
            client,
            uploads,
            jobs,
            trans,
            drafts,
            onTitle,
            onDone: (version, name) => {
              const openIt = (dataset: IDataset | undefined): void => {
                if (dataset) {
                  // Where an earlier version is looked at, the new one takes its place.
                  openDataset(dataset.id, null, isLookedAt() ? null : { after: own }).content.showVersion(null);
                  close();
                } else if (isLookedAt()) {
                  // It was deleted meanwhile, or has another version now: the list shows what there is.
                  shell.activateById(panel.id);
                }
              };
              client
                .datasets({ source: 'USER_UPLOAD', limit: 200 })
                .then(({ items }) => items.find(own => own.version_id === version) ?? client.dataset(name))
                .then(openIt, () => openIt(undefined));
            },
            onGone: close
          }),
        quietly
      );
    };

    commands.addCommand(CommandIDs.showDatasets, {
      label: trans.__('Show Datasets'),
      icon: datasetsIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        panel.showList(false);
        shell.activateById(panel.id);
      }
    });
    commands.addCommand(CommandIDs.refreshDatasets, {
      label: trans.__('Refresh Datasets'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: refresh
    });
    commands.addCommand(CommandIDs.uploadDatasets, {
      label: trans.__('Upload Data Files'),
      icon: datasetsIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        panel.showList(false);
        shell.activateById(panel.id);
        panel.browse();
      }
    });
    commands.addCommand(CommandIDs.openDataset, {
      label: trans.__('Open a Dataset'),
      describedBy: idArgs('Id of the dataset'),
      execute: args => openDataset(String(args.id))
    });
    commands.addCommand(CommandIDs.openUpload, {
      label: trans.__('Open an Upload'),
      describedBy: idArgs('Id of the upload'),
      execute: args => {
        const connector = connectors.model.ofUpload(String(args.id));
        return connector
          ? commands.execute(CommandIDs.openConnector, { id: connector.id })
          : openUpload(String(args.id));
      }
    });
    for (const command of [CommandIDs.showDatasets, CommandIDs.refreshDatasets, CommandIDs.uploadDatasets]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    if (restorer) {
      restorer.add(panel, panel.id);
      void restorer.restore(datasets, {
        command: CommandIDs.openDataset,
        args: widget => ({ id: widget.content.datasetId }),
        name: widget => widget.content.datasetId
      });
      void restorer.restore(imports, {
        command: CommandIDs.openUpload,
        args: widget => ({ id: widget.content.uploadId }),
        name: widget => widget.content.uploadId
      });
    }

    // Texts are escaped by React, and the HTML beside is as safe as the notebook is trusted.
    rendermime?.addFactory(
      {
        safe: true,
        mimeTypes: [DATASET_MIME],
        defaultRank: 10,
        createRenderer: () => new DatasetRenderer(alphintra, rendermime)
      },
      0
    );

    const left = new Set<string>();
    uploads.changed.connect(() => {
      for (const { id, sender } of uploads.items) {
        if (sender !== null && id !== null && !left.has(id)) {
          // The first look follows by itself, and its document tells of its end.
          left.add(id);
          jobs.announcer.leave(id);
        }
      }
    });
    jobs.active.ended.connect((_, job) => {
      if (KINDS.includes(job.kind)) {
        refresh();
      }
    });
    jobs.stale.connect(() => {
      if (panel.isVisible) {
        refresh();
      }
    });
    // Others share and take back whenever they like, and no event tells of it.
    window.setInterval(() => {
      const isLookedAt = panel.isVisible || datasets.find(widget => widget.isVisible) !== undefined;
      if (jobs.system.value?.single_user === false && isLookedAt && document.visibilityState === 'visible') {
        void model.refresh();
      }
    }, SHARED_MS);
  }
};

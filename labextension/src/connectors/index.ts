/** The connectors' part of the Datasets panel: their documents and commands. */

import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { ConnectorsClient } from '../api/connectorsClient.js';
import { datasetsIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, IJobs } from '../tokens.js';
import { ConnectorActions } from './actions.js';
import { ConnectorDocument } from './document.js';
import { ConnectorsModel, RUN_KINDS } from './model.js';

/** What the panel needs of them. */
export interface IConnectors {
  readonly model: ConnectorsModel;
  readonly actions: ConnectorActions;
  /** The one that is open in front. */
  current(): string | null;
}

interface IOptions {
  app: JupyterFrontEnd;
  alphintra: IAlphintra;
  jobs: IJobs;
  palette: ICommandPalette | null;
  restorer: ILayoutRestorer | null;
  /** Show their list in the panel. */
  reveal: () => void;
  /** Called when another document of one is in front. */
  onCurrent: () => void;
}

/** Add their commands and documents. */
export function addConnectors(options: IOptions): IConnectors {
  const { app, alphintra, jobs, palette, restorer, reveal } = options;
  const { commands, shell } = app;
  const { client, trans } = alphintra;
  const api = new ConnectorsClient(client);
  const model = new ConnectorsModel(api);
  const actions = new ConnectorActions(api, model, jobs, trans);
  const documents = new WidgetTracker<MainAreaWidget<ConnectorDocument>>({ namespace: 'alphintra-connectors' });
  documents.currentChanged.connect(options.onCurrent);

  const open = (id: string | null): MainAreaWidget<ConnectorDocument> => {
    const own = `alphintra-connector-${id ?? 'new'}`;
    const shown = documents.find(widget => widget.id === own);
    if (shown) {
      shell.activateById(own);
      return shown;
    }
    const close = (): void => documents.find(widget => widget.id === own)?.dispose();
    const content = new ConnectorDocument({
      id,
      alphintra,
      api,
      jobs,
      model,
      actions,
      onTitle: title => {
        widget.title.label = title;
      },
      onDataset: name => void client.dataset(name).then(({ id }) => commands.execute(CommandIDs.openDataset, { id })),
      onJob: job => void commands.execute(CommandIDs.openJob, { id: job }),
      onMade: made => {
        close();
        open(made);
        reveal();
      },
      onGone: close
    });
    const widget = new MainAreaWidget({ content });
    widget.id = own;
    widget.title.label = trans.__('Connector');
    widget.title.icon = datasetsIcon;
    widget.title.closable = true;
    shell.add(widget, 'main', { type: 'Connector' });
    void documents.add(widget);
    shell.activateById(own);
    return widget;
  };

  commands.addCommand(CommandIDs.showConnectors, {
    label: trans.__('Show Connectors'),
    icon: datasetsIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: reveal
  });
  commands.addCommand(CommandIDs.newConnector, {
    label: trans.__('New Connector'),
    icon: datasetsIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => open(null)
  });
  commands.addCommand(CommandIDs.openConnector, {
    label: trans.__('Open a Connector'),
    describedBy: {
      args: {
        type: 'object',
        properties: { id: { type: 'string', description: trans.__('Id of the connector') } },
        required: ['id']
      }
    },
    // Of one that was being set up when Lab was closed there is no id.
    execute: args => open(String(args.id) || null)
  });
  for (const command of [CommandIDs.showConnectors, CommandIDs.newConnector]) {
    palette?.addItem({ command, category: CATEGORY });
  }
  void restorer?.restore(documents, {
    command: CommandIDs.openConnector,
    args: widget => ({ id: widget.content.connectorId ?? '' }),
    name: widget => widget.content.connectorId ?? 'new'
  });
  jobs.active.changed.connect(() => model.follow(jobs.active.items));
  jobs.active.ended.connect((_, job) => {
    if (RUN_KINDS.includes(job.kind)) {
      void model.refresh();
    }
  });
  // A connector works while nobody waits for it: of the jobs on its file only failures are told of.
  model.changed.connect(() => model.uploads.forEach(upload => jobs.announcer.quiet(upload)));
  return {
    model,
    actions,
    current: () => (documents.currentWidget?.isVisible ? documents.currentWidget.content.connectorId : null)
  };
}

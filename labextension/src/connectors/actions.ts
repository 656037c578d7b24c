/** What can be done with a connector, in the panel and on its page; what goes wrong is said. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';

import type { ConnectorsClient } from '../api/connectorsClient.js';
import type { IConnector } from '../api/connectors.js';
import { describe } from '../api/problem.js';
import type { IJobs } from '../tokens.js';
import type { ConnectorsModel } from './model.js';

export class ConnectorActions {
  constructor(
    private readonly _client: ConnectorsClient,
    private readonly _model: ConnectorsModel,
    private readonly _jobs: IJobs,
    private readonly _trans: TranslationBundle
  ) {}

  /** Fetch now. */
  async run(connector: IConnector): Promise<void> {
    await this._told(connector, async () => {
      await this._client.run(connector.id, UUID.uuid4());
      this._jobs.active.readSoon();
    });
  }

  async pause(connector: IConnector, paused: boolean): Promise<void> {
    await this._told(connector, () => this._client.change(connector.id, { paused }));
  }

  /** Have the next run ask how its file is read. */
  async askAgain(connector: IConnector): Promise<void> {
    await this._told(connector, () => this._client.change(connector.id, { mapping: null }));
  }

  /** Ask, and delete it; true when it is gone. */
  async remove(connector: IConnector): Promise<boolean> {
    const trans = this._trans;
    const { button } = await showDialog({
      title: trans.__('Delete the connector %1?', connector.name),
      body: trans.__('Its schedule, its runs and its secret go. The dataset %1 stays.', connector.dataset),
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Delete') })],
      defaultButton: 0
    });
    return button.accept && (await this._told(connector, () => this._client.remove(connector.id)));
  }

  private async _told(connector: IConnector, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (reason) {
      Notification.error(`${connector.name}: ${describe(reason).text}`);
      return false;
    } finally {
      await this._model.refresh();
    }
  }
}

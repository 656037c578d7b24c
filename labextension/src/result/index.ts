/** The plugin that draws results in notebook outputs. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import { IAlphintra } from '../tokens.js';
import type { IResultEnvironment } from './environment.js';
import { RESULT_MIME } from './payload.js';
import { ResultWidget } from './view.js';

/** A result in an output area. */
export class ResultRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(environment: IResultEnvironment) {
    super();
    this._environment = environment;
    this.addClass('alphintra-ResultRenderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const payload = model.data[RESULT_MIME];
    if (payload === this._payload) {
      return;
    }
    this._payload = payload;
    const widget = new ResultWidget(this._environment, payload);
    [...this.widgets].forEach(old => old.dispose());
    this.addWidget(widget);
    await widget.renderPromise;
  }

  private _environment: IResultEnvironment;
  private _payload: unknown = undefined;
}

export const resultPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:result',
  description: 'Draws the results of backtests in outputs.',
  autoStart: true,
  requires: [IAlphintra, IRenderMimeRegistry],
  activate: (
    _app: JupyterFrontEnd,
    alphintra: IAlphintra,
    rendermime: IRenderMimeRegistry
  ) => {
    // The payload is data that React escapes, so it is drawn in untrusted notebooks too.
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [RESULT_MIME],
        defaultRank: 10,
        createRenderer: () => new ResultRenderer(alphintra)
      },
      0
    );
  }
};

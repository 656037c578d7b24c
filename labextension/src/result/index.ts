/** The plugin that draws results in notebook outputs. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import { codeAt } from '../postMortem/code.js';
import { refuse } from '../postMortem/standing.js';
import { IAlphintra, IReplays } from '../tokens.js';
import type { IResultEnvironment } from './environment.js';
import { RESULT_MIME } from './payload.js';
import { ResultWidget } from './view.js';
import type { IStand } from './why.js';

/** A result in an output area. */
export class ResultRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(environment: IResultEnvironment, stand: IStand | null) {
    super();
    this._environment = environment;
    this._stand = stand;
    this.addClass('alphintra-ResultRenderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const payload = model.data[RESULT_MIME];
    if (payload === this._payload) {
      return;
    }
    this._payload = payload;
    const widget = new ResultWidget(this._environment, payload, this._stand);
    [...this.widgets].forEach(old => old.dispose());
    this.addWidget(widget);
    await widget.renderPromise;
  }

  private _environment: IResultEnvironment;
  private _stand: IStand | null;
  private _payload: unknown = undefined;
}

export const resultPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:result',
  description: 'Draws the results of backtests in outputs.',
  autoStart: true,
  requires: [IAlphintra, IRenderMimeRegistry],
  optional: [IReplays],
  activate: (
    _app: JupyterFrontEnd,
    alphintra: IAlphintra,
    rendermime: IRenderMimeRegistry,
    replays: IReplays | null
  ) => {
    // Below the cell that shows the result, in its notebook.
    const stand: IStand | null = replays && {
      go: (header, at, node) => {
        const code = codeAt(header, at);
        if (code === null) {
          refuse(alphintra.trans.__('This result does not say what replays it. Run its cell again.'));
        } else {
          void replays.insertBelow(node, code);
        }
      },
      choose: go => {
        replays.choice = go && { go };
      }
    };
    // The payload is data that React escapes, so it is drawn in untrusted notebooks too.
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [RESULT_MIME],
        defaultRank: 10,
        createRenderer: () => new ResultRenderer(alphintra, stand)
      },
      0
    );
  }
};

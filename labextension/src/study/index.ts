/** The plugin that draws studies in notebook outputs: sweeps, walk-forwards, Monte Carlo runs, comparisons, reports. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import type { IResultEnvironment } from '../result/environment.js';
import { IAlphintra } from '../tokens.js';
import { STUDY_MIME } from './payload.js';

/** A study in an output area. */
export class StudyRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(environment: IResultEnvironment) {
    super();
    this._environment = environment;
    this.addClass('alphintra-ResultRenderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const payload = model.data[STUDY_MIME];
    if (payload === this._payload) {
      return;
    }
    this._payload = payload;
    // The view is loaded with the first study: Lab starts as fast without one.
    const { StudyWidget } = await import('./view.js');
    if (this.isDisposed || payload !== this._payload) {
      return;
    }
    const widget = new StudyWidget(this._environment, payload);
    [...this.widgets].forEach(old => old.dispose());
    this.addWidget(widget);
    await widget.renderPromise;
  }

  private _environment: IResultEnvironment;
  private _payload: unknown = undefined;
}

export const studyPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:study',
  description: 'Draws sweeps, walk-forwards, Monte Carlo runs, comparisons and reports in outputs.',
  autoStart: true,
  requires: [IAlphintra, IRenderMimeRegistry],
  activate: (
    _app: JupyterFrontEnd,
    alphintra: IAlphintra,
    rendermime: IRenderMimeRegistry
  ) => {
    // Texts are escaped by React and by Plotly, so a study is drawn in untrusted notebooks too.
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [STUDY_MIME],
        defaultRank: 10,
        createRenderer: () => new StudyRenderer(alphintra)
      },
      0
    );
  }
};

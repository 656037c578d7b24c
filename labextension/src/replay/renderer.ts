/**
 * A replay in a notebook's output: the live widget where its kernel runs, else the picture that was kept.
 *
 * Jupyter's own renderer of widgets shows an error in a notebook whose kernel is another one by now. Here the saved
 * picture stands in its place, and is brought up to date when the replay rests.
 */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import { ILine, LINE_EVENT } from './log.js';

export const REPLAY_MIME = 'application/vnd.alphintra.replay.v1+json';
const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';
const HTML_MIME = 'text/html';

/** How long a live view may take before the picture is shown meanwhile, in milliseconds. */
const PATIENCE = 1500;
/** How often it looks whether there are widgets of a kernel now, in milliseconds. */
const LOOK = 500;

export class ReplayRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _rendermime: IRenderMimeRegistry,
    goToLine: (place: ILine) => void
  ) {
    super();
    this.addClass('alphintra-ReplayOutput');
    this.node.addEventListener('alphintra-replay-still', this._onStill);
    this.node.addEventListener(LINE_EVENT, event => goToLine((event as CustomEvent<ILine>).detail));
  }

  override dispose(): void {
    window.clearTimeout(this._timer);
    window.clearInterval(this._clock);
    this._observer?.disconnect();
    super.dispose();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    const source = model.data[REPLAY_MIME] as { model_id?: unknown } | undefined;
    if (source?.model_id === this._shown) {
      return;
    }
    this._shown = source?.model_id;
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._showStill(), PATIENCE);
    this._start();
  }

  /** Begin, anew where the notebook's widgets got their kernel only after this output was drawn. */
  private _start(): void {
    window.clearInterval(this._clock);
    this._observer?.disconnect();
    this._live?.dispose();
    const factory = this._rendermime.getFactory(WIDGET_MIME);
    this._clock = window.setInterval(() => {
      if (this._rendermime.getFactory(WIDGET_MIME) !== factory) {
        this._start();
      }
    }, LOOK);
    if (!factory || !this._model) {
      return;
    }
    const live = this._rendermime.createRenderer(WIDGET_MIME);
    this._live = live;
    this.insertWidget(0, live);
    if (this._still) {
      live.hide();
    }
    const look = (): void => {
      if (live.isDisposed) {
        return;
      }
      if (live.node.firstElementChild) {
        this._observer?.disconnect();
        window.clearTimeout(this._timer);
        window.clearInterval(this._clock);
        this._still?.dispose();
        this._still = null;
        live.show();
      } else if (live.hasClass('jupyter-widgets')) {
        // It says in words that there is no such widget.
        void this._showStill();
      }
    };
    this._observer = new MutationObserver(look);
    this._observer.observe(live.node, {
      childList: true,
      attributes: true,
      attributeFilter: ['class']
    });
    // Waits for a kernel, which may never come.
    void live.renderModel(this._model).then(look, () => this._showStill());
  }

  private async _showStill(): Promise<void> {
    window.clearTimeout(this._timer);
    if (this._still || this.isDisposed || !this._model) {
      return;
    }
    this._live?.hide();
    this._still = this._rendermime.createRenderer(HTML_MIME);
    this.addWidget(this._still);
    await this._still.renderModel(this._model);
  }

  private readonly _onStill = (event: Event): void => {
    const html = (event as CustomEvent<unknown>).detail;
    const model = this._model;
    if (model && typeof html === 'string' && model.data[HTML_MIME] !== html) {
      model.setData({ data: { ...model.data, [HTML_MIME]: html } });
    }
  };

  private _model: IRenderMime.IMimeModel | null = null;
  private _shown: unknown = null;
  private _still: IRenderMime.IRenderer | null = null;
  private _observer: MutationObserver | null = null;
  private _live: IRenderMime.IRenderer | null = null;
  private _timer = 0;
  private _clock = 0;
}

/** The rich view of an object in the main area: made beside the cell that runs, and drawn as a cell would draw it. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Panel } from '@lumino/widgets';
import React from 'react';

import { describe } from '../api/problem.js';
import type { IAsked } from './kernel.js';
import { Bundle, viewOf } from './payload.js';
import { clockText } from './words.js';

/** Milliseconds between two questions how far it is. */
const AGAIN = 400;

interface IOptions {
  name: string;
  /** The notebook's kernel as it is now. */
  kernel: () => IAsked | null;
  rendermime: IRenderMimeRegistry;
  trans: TranslationBundle;
}

type Shown =
  | { state: 'working'; isFirst: boolean }
  | { state: 'failed'; text: string }
  | { state: 'done'; at: number };

/** Name, time and what can be done. */
class Head extends ReactWidget {
  constructor(
    private readonly options: IOptions,
    private readonly onRefresh: () => void,
    private readonly onStop: () => void
  ) {
    super();
  }

  set shown(shown: Shown) {
    this._shown = shown;
    this.update();
  }

  protected override render(): JSX.Element {
    const { name, trans } = this.options;
    const shown = this._shown;
    const isWorking = shown.state === 'working';
    return (
      <>
        <div className="alphintra-VariableView-head">
          <h2>{name}</h2>
          <span className="alphintra-muted" role="status">
            {shown.state === 'done'
              ? trans.__('As of %1', clockText(shown.at))
              : isWorking
                ? trans.__('The kernel draws it\u2026')
                : ''}
          </span>
          <button
            type="button"
            className="alphintra-Button"
            onClick={isWorking ? this.onStop : this.onRefresh}
          >
            {isWorking ? trans.__('Stop') : trans.__('Look again')}
          </button>
        </div>
        {shown.state === 'working' && shown.isFirst ? (
          <div className="alphintra-VariableView-skeleton" aria-busy="true">
            <div className="alphintra-Skeleton" style={{ width: '40%', height: 18 }} />
            <div className="alphintra-Skeleton" style={{ width: '100%', height: 220 }} />
          </div>
        ) : null}
        {shown.state === 'failed' ? (
          <p className="alphintra-Problem" role="alert">
            {trans.__('%1 is not shown.', name)} {shown.text}
          </p>
        ) : null}
      </>
    );
  }

  private _shown: Shown = { state: 'working', isFirst: true };
}

export class VariableView extends Panel {
  constructor(options: IOptions) {
    super();
    this._options = options;
    this.addClass('alphintra-VariableView');
    this._head = new Head(
      options,
      () => void this.refresh(),
      () => {
        this._stop();
        this._show({ state: 'failed', text: options.trans.__('It was stopped.') });
      }
    );
    this._body = new Panel();
    this._body.addClass('alphintra-VariableView-body');
    this.addWidget(this._head);
    this.addWidget(this._body);
    void this.refresh();
  }

  get variableName(): string {
    return this._options.name;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._stop();
    }
    super.dispose();
  }

  /** Have it drawn as the object is now. */
  async refresh(): Promise<void> {
    this._stop();
    const turn = this._turn;
    this._show({ state: 'working', isFirst: this._body.widgets.length === 0 });
    try {
      const data = await this._fetched(turn);
      if (data !== null) {
        await this._draw(data, turn);
      }
    } catch (reason) {
      if (turn === this._turn && !this.isDisposed) {
        this._ticket = null;
        this._show({ state: 'failed', text: describe(reason).text });
      }
    }
  }

  private async _fetched(turn: number): Promise<Bundle | null> {
    const { name, trans } = this._options;
    const kernel = this._options.kernel();
    if (kernel === null || kernel.status === 'dead') {
      throw new Error(trans.__('Its kernel has ended.'));
    }
    this._asked = kernel;
    let args: Record<string, unknown> = { name };
    for (;;) {
      const view = viewOf(await kernel.ask('alphintra/view', args));
      if (turn !== this._turn) {
        if (view?.state === 'working') {
          this._tell(kernel, view.ticket);
        }
        return null;
      }
      if (view === null) {
        throw new Error(trans.__('The kernel does not answer as expected.'));
      }
      if (view.state === 'failed') {
        throw new Error(view.message);
      }
      if (view.state === 'done') {
        this._ticket = null;
        return view.data;
      }
      this._ticket = view.ticket;
      args = { ticket: view.ticket };
      await new Promise(resolve => setTimeout(resolve, AGAIN));
      if (turn !== this._turn) {
        return null;
      }
    }
  }

  private async _draw(data: Bundle, turn: number): Promise<void> {
    const { rendermime, trans } = this._options;
    // As an output of a cell that has just run: it is the notebook's own object.
    const model = rendermime.createModel({ data: data as never, trusted: true });
    const mime = rendermime.preferredMimeType(model.data, 'any');
    if (mime === undefined) {
      throw new Error(trans.__('There is nothing that draws %1.', Object.keys(data).join(', ')));
    }
    const renderer = rendermime.createRenderer(mime);
    await renderer.renderModel(model);
    if (turn !== this._turn || this.isDisposed) {
      renderer.dispose();
      return;
    }
    const old = [...this._body.widgets];
    this._body.addWidget(renderer);
    old.forEach(one => one.dispose());
    this._show({ state: 'done', at: Date.now() });
  }

  private _show(shown: Shown): void {
    this._head.shown = shown;
    this.node.dataset.state = shown.state;
  }

  /** Nobody waits any more for what was asked for. */
  private _stop(): void {
    this._turn += 1;
    if (this._ticket !== null && this._asked !== null) {
      this._tell(this._asked, this._ticket);
    }
    this._ticket = null;
  }

  private _tell(kernel: IAsked, ticket: string): void {
    // Where the kernel has ended meanwhile, it has ended that as well.
    kernel.ask('alphintra/view', { ticket, stop: true }).catch(() => undefined);
  }

  private _options: IOptions;
  private _head: Head;
  private _body: Panel;
  private _turn = 0;
  private _ticket: string | null = null;
  private _asked: IAsked | null = null;
}

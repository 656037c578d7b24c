/** Standing in a run at a bar: in the notebook that shows it, or in a new one with its stored source. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { ApiError, describe } from '../api/problem.js';
import type { IStrategyVersion } from '../api/types.js';
import type { IAlphintra, IChoice, IReplays } from '../tokens.js';
import { KERNEL } from '../tokens.js';
import { failedRun, whyNotReplayed } from '../backtests/replayed.js';
import { barText, replayCall, replayNotebook } from './code.js';

interface IOptions {
  app: JupyterFrontEnd;
  alphintra: IAlphintra;
  notebooks: INotebookTracker;
  browser: IDefaultFileBrowser | null;
}

/** Milliseconds for which a word is shown; it stays in the notification centre. */
const SHOWN = 10_000;

/** Say why nothing was opened. */
export function refuse(text: string): void {
  Notification.warning(text, { autoClose: SHOWN });
}

export class Replays implements IReplays {
  constructor(options: IOptions) {
    this._options = options;
  }

  get choice(): IChoice | null {
    return this._choice;
  }

  set choice(value: IChoice | null) {
    this._choice = value;
    this._changed.emit();
  }

  get choiceChanged(): ISignal<IReplays, void> {
    return this._changed;
  }

  async insertBelow(node: Element | null, code: string): Promise<void> {
    const { notebooks, alphintra } = this._options;
    const { trans } = alphintra;
    // By cells: one that is scrolled out of sight is not in its notebook's node.
    const panel =
      node === null
        ? notebooks.currentWidget
        : notebooks.find(item => item.content.widgets.some(cell => cell.node.contains(node)));
    if (!panel) {
      refuse(
        node === null
          ? trans.__('No notebook is open: the replay goes into a cell of the notebook whose run failed.')
          : trans.__('This output is not in a notebook: use the button in the notebook that it comes from.')
      );
      return;
    }
    const problem = this._problem(panel);
    if (problem !== null) {
      refuse(problem);
      return;
    }
    const notebook = panel.content;
    const found = node === null ? -1 : notebook.widgets.findIndex(cell => cell.node.contains(node));
    const index = (found < 0 ? notebook.activeCellIndex : found) + 1;
    notebook.model!.sharedModel.insertCell(index, { cell_type: 'code', source: code, metadata: { trusted: true } });
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    try {
      await notebook.scrollToItem(index);
      await NotebookActions.run(notebook, panel.sessionContext);
    } catch (error) {
      refuse(trans.__('The replay could not be run. %1', describe(error).text));
    }
  }

  async openRun(id: string, at: string | null, parameters?: Record<string, unknown>): Promise<void> {
    const { app, alphintra } = this._options;
    const { client, trans } = alphintra;
    let what = trans.__('This run could not be read.');
    try {
      const run = await client.backtest(id);
      const bar = at ?? run.error?.bar_time ?? null;
      if (bar === null) {
        refuse(trans.__('This run names no bar to stand at.'));
        return;
      }
      if (!run.class_name) {
        refuse(trans.__('This run did not get as far as its strategy: there is no bar to stand at.'));
        return;
      }
      const problem = at === null ? whyNotReplayed(run, trans) : null;
      if (problem !== null) {
        refuse(problem);
        return;
      }
      what = trans.__('The code of this run is gone, so it cannot be replayed.');
      const version = await client.strategyVersion(run.strategy_id, run.strategy_version ?? 1);
      what = trans.__('The notebook could not be made.');
      const call = replayCall(at === null ? failedRun(run) : run, barText(bar), parameters);
      const path = await this._create(version, `${run.class_name} replay`, call);
      const panel = (await app.commands.execute('docmanager:open', {
        path,
        factory: 'Notebook',
        kernel: { name: KERNEL }
      })) as NotebookPanel;
      await panel.context.ready;
      await panel.sessionContext.ready;
      const hindrance = this._problem(panel);
      if (hindrance !== null) {
        refuse(hindrance);
        return;
      }
      await NotebookActions.runAll(panel.content, panel.sessionContext);
    } catch (error) {
      const gone = error instanceof ApiError && [404, 410].includes(error.problem.status);
      refuse(gone ? what : `${what} ${describe(error).text}`);
    }
  }

  /** Why the notebook cannot run a replay. */
  private _problem(panel: NotebookPanel): string | null {
    const { trans } = this._options.alphintra;
    const kernel = panel.sessionContext.session?.kernel;
    if (panel.content.model?.readOnly) {
      return trans.__('This notebook cannot be changed: save a copy of it and run it there.');
    }
    if (!kernel) {
      return trans.__('This notebook has no kernel. Choose Alphintra at its right edge above, and run it again.');
    }
    if (kernel.status === 'dead') {
      return trans.__('The kernel of this notebook has died. Restart it, and run the notebook again.');
    }
    if (kernel.name !== KERNEL) {
      return trans.__(
        'A replay needs the Alphintra kernel; this notebook has %1. Choose it at its right edge above, and run it again.',
        kernel.name
      );
    }
    return null;
  }

  /** Write the notebook, in a folder of its own where modules belong to the source; gives its path. */
  private async _create(version: IStrategyVersion, stem: string, call: string): Promise<string> {
    const { contents } = this._options.app.serviceManager;
    const here = this._options.browser?.model.path ?? '';
    const modules = Object.entries(version.modules);
    let folder = here;
    if (modules.length > 0) {
      folder = await free(contents, here, stem, '');
      await contents.save(folder, { type: 'directory' });
      const made = new Set<string>();
      for (const [path, text] of modules) {
        const parts = path.split('/').slice(0, -1);
        for (let depth = 1; depth <= parts.length; depth++) {
          const inner = `${folder}/${parts.slice(0, depth).join('/')}`;
          if (!made.has(inner)) {
            made.add(inner);
            await contents.save(inner, { type: 'directory' });
          }
        }
        await contents.save(`${folder}/${path}`, { type: 'file', format: 'text', content: text });
      }
    }
    const path = await free(contents, folder, stem, '.ipynb');
    await contents.save(path, {
      type: 'notebook',
      format: 'json',
      content: replayNotebook(version.code, call, KERNEL, () => UUID.uuid4())
    });
    return path;
  }

  private readonly _options: IOptions;
  private _choice: IChoice | null = null;
  private readonly _changed = new Signal<IReplays, void>(this);
}

/** How many names are tried. */
const NAMES = 1000;

/** A name that nothing in the folder has. */
async function free(
  contents: Contents.IManager,
  folder: string,
  stem: string,
  ending: string
): Promise<string> {
  const listed = (await contents.get(folder, { content: true })).content as Contents.IModel[];
  const taken = new Set(listed.map(item => item.name));
  for (let number = 1; number <= NAMES; number++) {
    const name = `${stem}${number === 1 ? '' : ` ${number}`}${ending}`;
    if (!taken.has(name)) {
      return folder ? `${folder}/${name}` : name;
    }
  }
  throw new Error(`${folder} has ${NAMES} files of the name ${stem}; delete some`);
}

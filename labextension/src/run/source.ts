/** Going to a line of a strategy's source, in a notebook's cell or in a file. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBacktest } from '../api/types.js';

export interface IPlace {
  /** 1-based number of the cell among all cells, or `null` for a file. */
  cell: number | null;
  /** 1-based line. */
  line: number | null;
}

function select(editor: CodeEditor.IEditor, line: number | null): void {
  const at = { line: Math.max(0, (line ?? 1) - 1), column: 0 };
  editor.setCursorPosition(at);
  editor.revealPosition(at);
  editor.focus();
}

/** Put the cursor on a line of an open document. */
export async function goTo(
  widget: IDocumentWidget,
  place: IPlace
): Promise<void> {
  await widget.context.ready;
  if (widget instanceof NotebookPanel) {
    const notebook = widget.content;
    const index = Math.max(0, (place.cell ?? 1) - 1);
    if (index >= notebook.widgets.length) {
      return;
    }
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index);
    const editor = notebook.activeCell?.editor;
    if (editor) {
      notebook.mode = 'edit';
      select(editor, place.line);
    }
  } else if (widget.content instanceof FileEditor) {
    select(widget.content.editor, place.line);
  }
}

/** Open the source of a failed run at the line that raised. */
export async function showSource(
  app: JupyterFrontEnd,
  run: IBacktest,
  trans: TranslationBundle
): Promise<void> {
  const file = run.error?.file;
  try {
    if (!file) {
      throw new Error(trans.__('The run does not name a file.'));
    }
    const widget = (await app.commands.execute('docmanager:open', {
      path: file
    })) as IDocumentWidget | undefined;
    if (widget) {
      await goTo(widget, {
        cell: run.error?.cell ?? null,
        line: run.error?.line ?? null
      });
    }
  } catch (error) {
    Notification.warning(
      trans.__(
        'The source of this run could not be opened. %1',
        error instanceof Error ? error.message : String(error)
      )
    );
  }
}

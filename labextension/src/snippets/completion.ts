/** Offers snippets while one types, by their prefix at the start of a line. */

import type {
  CompletionHandler,
  ICompletionContext,
  ICompletionProvider
} from '@jupyterlab/completer';
import { FileEditor } from '@jupyterlab/fileeditor';
import { NotebookPanel } from '@jupyterlab/notebook';
import { DocumentWidget } from '@jupyterlab/docregistry';

import { markIcon } from '../icons.js';
import type { SnippetsModel } from './model.js';
import { indented, matching, mayComplete, wordBefore } from './text.js';

export class SnippetCompletion implements ICompletionProvider {
  constructor(model: SnippetsModel) {
    this._model = model;
  }

  readonly identifier = 'alphintra:snippets';
  /** Above the kernel and the language server: a prefix typed in full is meant. */
  readonly rank = 700;
  readonly renderer = null;

  async isApplicable(context: ICompletionContext): Promise<boolean> {
    const { widget } = context;
    if (widget instanceof NotebookPanel) {
      return true;
    }
    return (
      widget instanceof DocumentWidget &&
      widget.content instanceof FileEditor &&
      widget.context.path.endsWith('.py')
    );
  }

  async fetch(
    request: CompletionHandler.IRequest
  ): Promise<CompletionHandler.ICompletionItemsReply> {
    const { text, offset } = request;
    const word = wordBefore(text, offset);
    const start = offset - word.length;
    if (!mayComplete(text, offset)) {
      return { start: offset, end: offset, items: [] };
    }
    const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
    const snippets = matching(await this._model.read(), word);
    return {
      start,
      end: offset,
      items: snippets.map(item => ({
        label: item.prefix,
        insertText: indented(item.code, indent),
        type: 'snippet',
        icon: markIcon,
        documentation: `${item.title}: ${item.description}\n\n${item.code}`
      }))
    };
  }

  private _model: SnippetsModel;
}

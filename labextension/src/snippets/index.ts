/** The plugin of snippets: toolbar menu, palette, completion. */

import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  IToolbarWidgetRegistry,
  Notification
} from '@jupyterlab/apputils';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';
import {
  INotebookTracker,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import {
  MenuSvg,
  ToolbarButton,
  caretDownEmptyIcon
} from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Widget } from '@lumino/widgets';

import { describe } from '../api/problem.js';
import { showForPython } from '../run/pythonOnly.js';
import { CATEGORY, CommandIDs, IAlphintra } from '../tokens.js';
import { SnippetCompletion } from './completion.js';
import { SnippetsModel } from './model.js';
import { insertion } from './text.js';

type Document = IDocumentWidget<Widget, DocumentRegistry.IModel>;

/** The editor that a snippet goes into; a cell that is not code gets a new one below. */
function editorOf(widget: Widget | null): CodeEditor.IEditor | null {
  if (widget instanceof NotebookPanel) {
    const notebook = widget.content;
    if (notebook.activeCell && notebook.activeCell.model.type !== 'code') {
      NotebookActions.insertBelow(notebook);
    }
    return notebook.activeCell?.editor ?? null;
  }
  const content = (widget as Document | null)?.content;
  return content instanceof FileEditor ? content.editor : null;
}

/** Put code at the cursor and leave the cursor behind it. */
function insertInto(editor: CodeEditor.IEditor, code: string): void {
  const cursor = editor.getCursorPosition();
  const line = editor.getLine(cursor.line) ?? '';
  const text = insertion(
    code,
    line.slice(0, cursor.column),
    line.slice(cursor.column)
  );
  if (text.startsWith('\n')) {
    editor.setCursorPosition({ line: cursor.line, column: line.length });
  }
  if (editor.replaceSelection) {
    editor.replaceSelection(text);
  } else {
    const offset = editor.getOffsetAt(editor.getCursorPosition());
    editor.model.sharedModel.updateSource(offset, offset, text);
  }
  editor.focus();
}

export const snippetsPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:snippets',
  description: 'Inserts snippets from toolbar, palette and completion.',
  autoStart: true,
  requires: [IAlphintra],
  optional: [
    IToolbarWidgetRegistry,
    INotebookTracker,
    IEditorTracker,
    ICommandPalette,
    ICompletionProviderManager
  ],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    toolbars: IToolbarWidgetRegistry | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    palette: ICommandPalette | null,
    completer: ICompletionProviderManager | null
  ) => {
    const { client, trans } = alphintra;
    const { commands } = app;
    const model = new SnippetsModel(client);

    const current = (): Widget | null => {
      const shown = app.shell.currentWidget;
      const notebook = notebooks?.currentWidget ?? null;
      const editor = editors?.currentWidget ?? null;
      if (notebook !== null && notebook === shown) {
        return notebook;
      }
      return editor !== null &&
        editor === shown &&
        editor.context.path.endsWith('.py')
        ? editor
        : null;
    };

    commands.addCommand(CommandIDs.insertSnippet, {
      label: args => {
        const item = model.items.find(snippet => snippet.id === args.id);
        if (!item) {
          return trans.__('Insert Snippet');
        }
        return args.menu
          ? item.title
          : trans.__('Insert Snippet: %1', item.title);
      },
      caption: args =>
        model.items.find(snippet => snippet.id === args.id)?.description ?? '',
      isEnabled: () => current() !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string', description: 'Id of the snippet' }
          },
          required: ['id']
        }
      },
      execute: args => {
        const item = model.items.find(snippet => snippet.id === args.id);
        const editor = editorOf(current());
        if (item && editor) {
          insertInto(editor, item.code);
        }
      }
    });

    let inPalette: IDisposable[] = [];
    model.changed.connect(() => {
      inPalette.forEach(item => item.dispose());
      inPalette = palette
        ? model.items.map(item =>
            palette.addItem({
              command: CommandIDs.insertSnippet,
              category: CATEGORY,
              args: { id: item.id }
            })
          )
        : [];
    });
    void app.restored.then(() => model.read());

    const openMenu = async (anchor: Widget): Promise<void> => {
      const items = await model.read();
      if (items.length === 0) {
        Notification.warning(
          model.error === null
            ? trans.__('There are no snippets.')
            : trans.__(
                'The snippets could not be read. %1',
                describe(model.error).text
              )
        );
        return;
      }
      const menu = new MenuSvg({ commands });
      menu.addClass('alphintra-SnippetMenu');
      const add = (source: string): void => {
        items
          .filter(item => item.source === source)
          .forEach(item =>
            menu.addItem({
              command: CommandIDs.insertSnippet,
              args: { id: item.id, menu: true }
            })
          );
      };
      add('builtin');
      if (items.some(item => item.source === 'user')) {
        menu.addItem({ type: 'separator' });
        add('user');
      }
      const box = anchor.node.getBoundingClientRect();
      menu.open(box.left, box.bottom);
      // A menu emits aboutToClose before the command of the chosen item runs.
      menu.aboutToClose.connect(() => {
        requestAnimationFrame(() => menu.dispose());
      });
    };

    const button = (widget: Document): ToolbarButton => {
      const item: ToolbarButton = new ToolbarButton({
        icon: caretDownEmptyIcon,
        label: trans.__('Snippets'),
        tooltip: trans.__('Insert a snippet at the cursor'),
        className: 'alphintra-SnippetsButton',
        onClick: () => {
          app.shell.activateById(widget.id);
          void openMenu(item);
        }
      });
      return item;
    };
    toolbars?.addFactory<Document>('Notebook', 'alphintra-snippets', button);
    toolbars?.addFactory<Document>('Editor', 'alphintra-snippets', widget =>
      showForPython(button(widget), widget)
    );
    completer?.registerProvider(new SnippetCompletion(model));
  }
};

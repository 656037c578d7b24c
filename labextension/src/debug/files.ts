/** Breakpoints in the open files of the workspace, for the kernel of the notebook that is being debugged. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { Debugger, type IDebugger } from '@jupyterlab/debugger';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';

import { ask } from './market.js';
import { inKernel } from './places.js';

type Document = IDocumentWidget<FileEditor>;

/** A kernel that is being debugged, and the folder that it was started in. */
interface IPlace {
  readonly kernel: string;
  readonly notebook: string;
  readonly folder: string;
}

/** A file that takes breakpoints, and its path in the kernel. */
interface ITaken {
  readonly handler: Debugger.EditorHandler;
  readonly path: string;
}

/** Gives each open Python file a place for breakpoints, and has Lab show a stop there. */
export class DebuggedFiles {
  private readonly app: JupyterFrontEnd;
  private readonly service: IDebugger;
  private readonly editors: IEditorTracker;
  private readonly handlers = new Map<Document, ITaken>();
  private place: IPlace | null = null;
  private asked = '';

  constructor(
    app: JupyterFrontEnd,
    service: IDebugger,
    editors: IEditorTracker,
    sources: IDebugger.ISources
  ) {
    this.app = app;
    this.service = service;
    this.editors = editors;
    const refresh = (): void => void this.refresh();
    service.sessionChanged.connect(refresh);
    service.stopped.connect(refresh);
    service.eventMessage.connect((_, event) => {
      if (event.event === 'initialized' || event.event === 'terminated') {
        refresh();
      }
    });
    service.model.breakpoints.restored.connect(refresh);
    editors.widgetAdded.connect((_, document) => {
      document.context.pathChanged.connect(() => {
        this.release(document);
        refresh();
      });
      void document.context.ready.then(refresh);
    });
    // Lab's debugger knows editors by what they hold, and opens a copy that is read only beside them.
    const find = sources.find.bind(sources);
    sources.find = params => [...find(params), ...this.find(params)];
  }

  /** Take up the files that are open, or leave them where nothing is debugged. */
  private async refresh(): Promise<void> {
    const session = this.service.session;
    const kernel = session?.connection?.kernel;
    if (!session?.isStarted || kernel?.name !== 'alphintra') {
      this.asked = '';
      this.leave();
      return;
    }
    if (this.asked !== kernel.id) {
      this.asked = kernel.id;
      this.leave();
      const answer = await ask(session, 'alphintra/folder', {});
      if (this.asked !== kernel.id || !answer.success) {
        return;
      }
      const { path } = answer.body as { path: string };
      this.place = { kernel: kernel.id, notebook: session.connection?.path ?? '', folder: path };
    }
    if (this.place) {
      const { place } = this;
      this.editors.forEach(document => this.take(document, place));
    }
  }

  private take(document: Document, place: IPlace): void {
    const { context, content } = document;
    if (this.handlers.has(document) || PathExt.extname(context.path) !== '.py') {
      return;
    }
    const path = inKernel(place.folder, place.notebook, context.path);
    const handler = new Debugger.EditorHandler({
      debuggerService: this.service,
      editorReady: () => Promise.resolve(content.editor),
      getEditor: () => content.editor,
      path,
      src: content.model.sharedModel
    });
    this.handlers.set(document, { handler, path });
    document.disposed.connect(() => this.release(document));
  }

  private release(document: Document): void {
    const taken = this.handlers.get(document);
    if (!taken) {
      return;
    }
    this.handlers.delete(document);
    if (!document.isDisposed) {
      const { editor } = document.content;
      const lineNumbers = editor.getOption('lineNumbers') as boolean;
      taken.handler.dispose();
      editor.setOption('lineNumbers', lineNumbers);
    }
  }

  private leave(): void {
    this.place = null;
    for (const document of [...this.handlers.keys()]) {
      this.release(document);
    }
  }

  /** The editors of a file, as Lab's debugger asks for them. */
  private find(params: IDebugger.ISources.FindParams): IDebugger.ISources.IEditor[] {
    const { shell } = this.app;
    return [...this.handlers]
      .filter(([, taken]) => taken.path === params.source)
      .map(([document]) => {
        if (params.focus) {
          shell.activateById(document.id);
        }
        return {
          get: () => document.content.editor,
          reveal: () => Promise.resolve(shell.activateById(document.id)),
          src: document.content.model.sharedModel
        };
      });
  }
}

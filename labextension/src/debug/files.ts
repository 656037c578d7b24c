/** Breakpoints in the open files of the workspace, for the kernel of the notebook that is being debugged. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { Debugger, type IDebugger } from '@jupyterlab/debugger';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';

import { ask } from './market.js';
import { inKernel, inWorkspace } from './places.js';

type Document = IDocumentWidget<FileEditor>;
type Frame = IDebugger.IStackFrame | null;

/** A kernel that is being debugged, and the folder that it was started in. */
interface IPlace {
  readonly kernel: string;
  readonly notebook: string;
  readonly folder: string;
}

/** Gives each open Python file a place for breakpoints, and shows the file that the run stops in. */
export class DebuggedFiles {
  private readonly app: JupyterFrontEnd;
  private readonly service: IDebugger;
  private readonly editors: IEditorTracker;
  private readonly handlers = new Map<Document, Debugger.EditorHandler>();
  private place: IPlace | null = null;
  private asked = '';

  constructor(app: JupyterFrontEnd, service: IDebugger, editors: IEditorTracker) {
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
    service.model.callstack.currentFrameChanged.connect((_, frame) => this.reveal(frame));
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
    this.handlers.set(document, handler);
    document.disposed.connect(() => this.release(document));
    const frame = this.service.model.callstack.frame as Frame;
    if (frame?.source?.path === path && frame.line) {
      Debugger.EditorHandler.showCurrentLine(content.editor, frame.line);
    }
  }

  private release(document: Document): void {
    const handler = this.handlers.get(document);
    if (!handler) {
      return;
    }
    this.handlers.delete(document);
    if (!document.isDisposed) {
      const { editor } = document.content;
      const lineNumbers = editor.getOption('lineNumbers') as boolean;
      handler.dispose();
      editor.setOption('lineNumbers', lineNumbers);
    }
  }

  private leave(): void {
    this.place = null;
    for (const document of [...this.handlers.keys()]) {
      this.release(document);
    }
  }

  /** Bring the file to the front that the run stands in, if it is one of the workspace. */
  private reveal(frame: Frame): void {
    const path = frame?.source?.path;
    if (!this.place || !path || PathExt.extname(path) !== '.py') {
      return;
    }
    const file = inWorkspace(this.place.folder, this.place.notebook, path);
    const cells = this.service.config.getTmpFileParams(
      this.service.session?.connection?.kernel?.name ?? ''
    );
    if (file === null || (cells && path.startsWith(cells.prefix))) {
      return;
    }
    void this.app.serviceManager.contents.get(file, { content: false }).then(
      () => this.app.commands.execute('docmanager:open', { path: file }),
      () => undefined // not a file that the server shows
    );
  }
}

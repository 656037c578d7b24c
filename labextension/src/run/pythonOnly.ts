/** Buttons that an editor shows only for Python files. */

import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import type { Widget } from '@lumino/widgets';

/** Hide a toolbar item while its document is not a `.py` file; a rename is followed. */
export function showForPython<T extends Widget>(
  item: T,
  widget: IDocumentWidget<Widget, DocumentRegistry.IModel>
): T {
  const update = (): void => {
    item.setHidden(!widget.context.path.endsWith('.py'));
  };
  widget.context.pathChanged.connect(update);
  item.disposed.connect(() => {
    widget.context.pathChanged.disconnect(update);
  });
  update();
  return item;
}

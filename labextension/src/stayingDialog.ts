/** A dialog that stays until the server has taken what it was to send. */

import { Dialog } from '@jupyterlab/apputils';
import type { ReactWidget } from '@jupyterlab/ui-components';

/** The place of its button that leaves; the other one sends. */
const LEAVE = 0;

export interface IStayingOptions {
  title: string;
  body: ReactWidget;
  accept: Dialog.IButton;
  leave: string;
  className?: string;
  /** Send it; false: the body says what is wrong, and the dialog stays. */
  send: () => Promise<boolean>;
}

class StayingDialog extends Dialog<unknown> {
  constructor(options: IStayingOptions) {
    super({
      title: options.title,
      body: options.body,
      buttons: [Dialog.cancelButton({ label: options.leave }), options.accept],
      // What cannot be undone is not done by Enter alone.
      defaultButton: options.accept.displayType === 'warn' ? LEAVE : LEAVE + 1
    });
    this._send = options.send;
    if (options.className) {
      this.addClass(options.className);
    }
  }

  /** Whether it was taken. */
  isTaken = false;

  override resolve(index?: number): void {
    if (index === LEAVE) {
      super.resolve(index);
    } else if (!this._sending) {
      void this._accept();
    }
  }

  private async _accept(): Promise<void> {
    this._sending = true;
    try {
      this.isTaken = await this._send();
    } finally {
      this._sending = false;
    }
    if (this.isTaken && !this.isDisposed) {
      super.resolve(LEAVE + 1);
    }
  }

  private _send: () => Promise<boolean>;
  private _sending = false;
}

/** Show it; true when it was taken. */
export async function askStaying(options: IStayingOptions): Promise<boolean> {
  const dialog = new StayingDialog(options);
  await dialog.launch();
  return dialog.isTaken;
}

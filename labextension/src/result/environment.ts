/** What a result view needs from the application around it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';

export interface IResultEnvironment {
  readonly trans: TranslationBundle;
  /** Emits after the theme or the colours of up and down changed. */
  readonly appearanceChanged: ISignal<unknown, void>;
}

/**
 * The module of the replay widget. The kernel hands it to the browser once; see `replay_code.py`.
 *
 * It stands alone: what it needs of the extension's style comes along, for applications that are not JupyterLab.
 */

import chips from '../../style/controls.css';
import colors from '../../style/colors.css';
import legend from '../../style/legend.css';
import replay from '../../style/replay.css';
import tables from '../../style/replayTables.css';
import { IModel, Session } from './session.js';
import { ReplayView } from './view.js';

interface IContext {
  /** The model as one view may use it: what it listens to ends with the view. */
  model: {
    get(name: string): unknown;
    widget_manager: { get_model(id: string): Promise<IModel> };
  };
  el: HTMLElement;
}

const sessions = new Map<string, { session: Session; views: number }>();

function dress(): void {
  const id = 'alphintra-replay-style';
  if (!document.getElementById(id)) {
    const style = document.createElement('style');
    style.id = id;
    style.textContent = [colors, chips, legend, replay, tables].join('\n');
    document.head.append(style);
  }
}

export default {
  async render({ model, el }: IContext): Promise<() => void> {
    dress();
    const key = model.get('_own') as string;
    // All views of the page share one picture, which outlives each of them.
    const own = await model.widget_manager.get_model(key);
    const held = sessions.get(key) ?? { session: new Session(own), views: 0 };
    sessions.set(key, held);
    held.views += 1;
    const over = new AbortController();
    new ReplayView(el, held.session, over.signal);
    return () => {
      over.abort();
      held.views -= 1;
      if (held.views === 0) {
        held.session.dispose();
        sessions.delete(key);
      }
    };
  }
};

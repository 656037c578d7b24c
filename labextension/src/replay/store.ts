/** The picture of a replay as the browser has it: one for each model, whichever views look at it. */

import { lastAtOrBefore } from '../result/timeline.js';
import type { IMove, IScene } from './payload.js';

/** How much of what is drawn has to be drawn anew. */
export type Change = 'all' | 'candles' | 'facts';

/** Candles that a browser keeps; the oldest go, some at a time. */
export const MOST_CANDLES = 2000;

/** Put a movement on a picture; `null` where something before it was missed. */
export function moved(
  scene: IScene,
  move: IMove
): { scene: IScene; change: Change } | null {
  if (move.seq !== scene.seq + 1) {
    return null;
  }
  const { until } = move;
  const facts = { ...scene.facts, ...move.facts };
  if (until !== null || move.fills.length > 0) {
    facts.fills = [
      ...scene.facts.fills.filter(fill => until === null || fill.time <= until),
      ...move.fills
    ];
  }
  const kept =
    until === null
      ? scene.candles.length
      : lastAtOrBefore(
          scene.candles.map(candle => candle[0]),
          until
        ) + 1;
  const cut = kept < scene.candles.length;
  const length = kept + move.candles.length;
  const drop = length > MOST_CANDLES ? length - MOST_CANDLES / 2 : 0;
  if (!cut && move.candles.length === 0) {
    return { scene: { ...scene, seq: move.seq, facts }, change: 'facts' };
  }
  return {
    scene: {
      seq: move.seq,
      candles: [...scene.candles.slice(drop, kept), ...move.candles],
      lines: scene.lines.map((line, i) => ({
        ...line,
        values: [...line.values.slice(drop, kept), ...(move.values[i] ?? [])]
      })),
      facts
    },
    change: cut || drop > 0 ? 'all' : 'candles'
  };
}

type Listener = (change: Change) => void;

/** The picture of one model and who wants to know of its changes. */
export class Store {
  constructor(
    scene: IScene,
    private readonly _missed: () => void
  ) {
    this._scene = scene;
  }

  get scene(): IScene {
    return this._scene;
  }

  replace(scene: IScene): void {
    // What a movement that was under way made of the picture is newer than it.
    if (scene.seq >= this._scene.seq) {
      this._scene = scene;
      this._tell('all');
    }
  }

  apply(move: IMove): void {
    if (move.seq <= this._scene.seq) {
      return;
    }
    const next = moved(this._scene, move);
    if (next === null) {
      this._missed();
      return;
    }
    this._scene = next.scene;
    this._tell(next.change);
  }

  listen(listener: Listener, signal: AbortSignal): void {
    this._listeners.add(listener);
    signal.addEventListener('abort', () => this._listeners.delete(listener));
  }

  private _tell(change: Change): void {
    this._listeners.forEach(listener => listener(change));
  }

  private _scene: IScene;
  private readonly _listeners = new Set<Listener>();
}

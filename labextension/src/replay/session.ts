/** What the browser holds of one replay: its picture, its status, and what it has asked for. */

import type {
  Answer,
  IMove,
  IScene,
  IStatus,
  Request
} from './payload.js';
import { Pace } from './player.js';
import { Store } from './store.js';

/** The part of a widget's model that is used here. */
export interface IModel {
  get(name: string): any;
  send(content: unknown): void;
  on(event: string, callback: (...args: any[]) => void): void;
  off(event: string, callback: (...args: any[]) => void): void;
  /** Whether the kernel at its other end is there. */
  readonly comm_live: boolean;
}

/** This page among all that look at the same replay. */
const PAGE = Math.random().toString(36).slice(2);

type Listener = () => void;
type AnswerListener = (answer: Answer) => void;

export class Session {
  constructor(private readonly _model: IModel) {
    this.store = new Store(_model.get('_scene') as IScene, () =>
      this.ask({ action: 'scene' })
    );
    this._status = _model.get('_status') as IStatus;
    _model.on('change:_scene', this._onScene);
    _model.on('change:_move', this._onMove);
    _model.on('change:_status', this._onStatus);
    _model.on('msg:custom', this._onMessage);
    _model.on('comm_live_update', this._onLive);
    this._live = _model.comm_live;
    // Whatever came while nobody looked.
    this._onMove();
    this._goOn();
  }

  readonly store: Store;

  get status(): IStatus {
    return this._status;
  }

  /** Whether there is a kernel that answers. */
  get live(): boolean {
    return this._live;
  }

  /** Since when the oldest request waits, in milliseconds of the page; `null` while none does. */
  get waitingSince(): number | null {
    return this._waiting.values().next().value ?? null;
  }

  /** Since when a stop waits for its answer, in milliseconds of the page; `null` while none does. */
  get stoppingSince(): number | null {
    return this._waiting.get(this._stop) ?? null;
  }

  ask(request: Request): void {
    const id = `${PAGE}-${(this._asked += 1)}`;
    try {
      this._model.send({ ...request, id });
    } catch {
      this._live = false;
      this._tell();
      return;
    }
    this._waiting.set(id, performance.now());
    if (request.action === 'next') {
      this._next = id;
    } else if (request.action === 'stop' && this.stoppingSince === null) {
      this._stop = id;
    }
  }

  play(rate: number): void {
    this.ask({ action: 'play', by: PAGE, rate });
  }

  listen(listener: Listener, signal: AbortSignal): void {
    this._listeners.add(listener);
    signal.addEventListener('abort', () => this._listeners.delete(listener));
  }

  listenToAnswers(listener: AnswerListener, signal: AbortSignal): void {
    this._answers.add(listener);
    signal.addEventListener('abort', () => this._answers.delete(listener));
  }

  dispose(): void {
    if (this._status.play?.by === PAGE && this._live) {
      this.ask({ action: 'pause' });
    }
    cancelAnimationFrame(this._frame);
    this._model.off('change:_scene', this._onScene);
    this._model.off('change:_move', this._onMove);
    this._model.off('change:_status', this._onStatus);
    this._model.off('msg:custom', this._onMessage);
    this._model.off('comm_live_update', this._onLive);
  }

  private readonly _onScene = (): void =>
    this.store.replace(this._model.get('_scene') as IScene);

  private readonly _onMove = (): void => {
    const move = this._model.get('_move') as Partial<IMove>;
    if (move.seq !== undefined) {
      this.store.apply(move as IMove);
    }
  };

  private readonly _onStatus = (): void => {
    this._status = this._model.get('_status') as IStatus;
    this._goOn();
    this._tell();
  };

  private readonly _onMessage = (message: any): void => {
    if (message?.kind === 'done') {
      this._waiting.delete(message.of);
      if (message.of === this._next) {
        this._pace?.answered();
      }
      this._tell();
    } else {
      this._answers.forEach(listener => listener(message as Answer));
    }
  };

  private readonly _onLive = (): void => {
    this._live = this._model.comm_live;
    if (!this._live) {
      this._waiting.clear();
    }
    this._goOn();
    this._tell();
  };

  /** Play if it is this page that plays. */
  private _goOn(): void {
    cancelAnimationFrame(this._frame);
    const play = this._status.play;
    if (!this._live || play?.by !== PAGE) {
      this._pace = null;
      return;
    }
    this._pace ??= new Pace(play.rate, performance.now());
    this._pace.rate = play.rate;
    const turn = (): void => {
      const bars = this._pace?.ask(performance.now()) ?? 0;
      if (bars > 0) {
        this.ask({ action: 'next', bars });
      }
      this._frame = requestAnimationFrame(turn);
    };
    turn();
  }

  private _tell(): void {
    this._listeners.forEach(listener => listener());
  }

  private _status: IStatus;
  private _live: boolean;
  private _asked = 0;
  private _next = '';
  private _stop = '';
  private _frame = 0;
  private _pace: Pace | null = null;
  /** Requests without an answer so far, and when they were made; in order. */
  private readonly _waiting = new Map<string, number>();
  private readonly _listeners = new Set<Listener>();
  private readonly _answers = new Set<AnswerListener>();
}

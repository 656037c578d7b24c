/** Where the replay is that the notebook's debugger holds. */

import type { IDebugger } from '@jupyterlab/debugger';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

/** What the kernel says of it. */
export interface IMarket {
  readonly status: 'none' | 'running' | 'paused' | 'done';
  /** The bar in progress, the first one, and how many there are. */
  readonly bar?: number;
  readonly first?: number;
  readonly count?: number;
  /** Close of the bar in progress, ISO 8601. */
  readonly time?: string | null;
  /** What the condition of the breakpoint raised at which it stopped. */
  readonly error?: string | null;
  /** What it holds there; only of a run that is paused or done. */
  readonly state?: {
    readonly intraday: boolean;
    readonly account: { readonly equity: number };
    readonly positions: readonly { readonly symbol: string; readonly size: number }[];
    readonly notices?: readonly string[];
  } | null;
}

const NOTHING: IMarket = { status: 'none' };

/** An answer of the kernel's debugger. */
export interface IAnswer {
  readonly success: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

/** Ask the kernel's debugger for what Alphintra's kernel answers beside DAP. */
export async function ask(
  session: IDebugger.ISession,
  command: string,
  args: object
): Promise<IAnswer> {
  const known = command as keyof IDebugger.ISession.Request;
  return (await session.sendRequest(known, args as never)) as unknown as IAnswer;
}

/** Follows the debugger: asks anew at each stop. */
export class Market implements IDisposable {
  private readonly service: IDebugger;
  private shown: IMarket = NOTHING;
  private disposed = false;
  private turn = 0;
  private readonly signal = new Signal<this, IMarket>(this);

  constructor(service: IDebugger) {
    this.service = service;
    service.eventMessage.connect(this.onEvent, this);
    service.sessionChanged.connect(this.refresh, this);
    service.model.breakpoints.restored.connect(this.refresh, this);
  }

  get now(): IMarket {
    return this.shown;
  }

  get changed(): ISignal<this, IMarket> {
    return this.signal;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Whether a replay stands still in a bar. */
  get paused(): boolean {
    return this.shown.status === 'paused';
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  private onEvent(_: IDebugger, event: IDebugger.ISession.Event): void {
    if (event.event === 'stopped') {
      this.refresh();
    } else if (event.event === 'continued' || event.event === 'terminated') {
      this.turn += 1;
      this.show(NOTHING);
    }
  }

  private refresh(): void {
    const turn = (this.turn += 1);
    const session = this.service.session;
    if (!session?.isStarted || !this.service.hasStoppedThreads()) {
      this.show(NOTHING);
      return;
    }
    ask(session, 'alphintra/market', {}).then(
      answer => {
        // Where the run has gone on meanwhile it stands elsewhere, or nowhere.
        if (turn === this.turn && session === this.service.session && !this.disposed) {
          // Another kernel than Alphintra's does not know the question.
          this.show(answer.success ? ((answer.body as IMarket) ?? NOTHING) : NOTHING);
        }
      },
      () => {
        if (turn === this.turn) {
          this.show(NOTHING);
        }
      }
    );
  }

  private show(market: IMarket): void {
    this.shown = market;
    this.signal.emit(market);
  }
}

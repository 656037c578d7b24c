/** The checks of the strategies that have runs: their last state, fetched while somebody looks. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IBacktest, IChecks, IJobEvent } from '../api/types.js';
import { isFinished } from '../jobs/state.js';
import type { IChecksSource } from './model.js';

/** As many strategies as are asked for: those with the newest runs. */
const MOST = 12;

export interface IOverviewItem {
  strategy: string;
  name: string;
  /** `null` while they are fetched, or where they could not be. */
  checks: IChecks | null;
  error: unknown;
}

export class ChecksOverview {
  constructor(source: Pick<IChecksSource, 'checks'>) {
    this._source = source;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Strategies by their newest run. */
  get items(): readonly IOverviewItem[] {
    return this._items;
  }

  /** Whether somebody looks. */
  get shown(): boolean {
    return this._shown;
  }

  set shown(shown: boolean) {
    this._shown = shown;
    if (shown) {
      void this.refresh();
    }
  }

  /** Take the strategies of the runs; new ones are fetched. */
  follow(runs: readonly IBacktest[]): void {
    const names = new Map<string, string>();
    for (const run of runs) {
      if (!names.has(run.strategy_id) && names.size < MOST) {
        names.set(run.strategy_id, run.strategy_name ?? run.strategy_id);
      }
    }
    const before = new Map(this._items.map(item => [item.strategy, item]));
    const fresh = [...names.keys()].filter(strategy => !before.has(strategy));
    this._items = [...names].map(([strategy, name]) => ({
      strategy,
      checks: null,
      error: null,
      ...before.get(strategy),
      name
    }));
    if (this._shown && fresh.length > 0) {
      void this.refresh(fresh);
    }
  }

  async refresh(
    strategies: readonly string[] = this._items.map(item => item.strategy)
  ): Promise<void> {
    await Promise.all(strategies.map(strategy => this._fetch(strategy)));
  }

  /** Take in an event of the server's stream. */
  async apply(event: IJobEvent): Promise<void> {
    if (event.kind !== 'check' || !this._shown) {
      return;
    }
    const known = this._items.find(item => item.checks?.last_run?.id === event.resource_id);
    if (!known) {
      await this.refresh();
    } else if (
      !isFinished(known.checks!.last_run!) &&
      known.checks!.last_run!.status !== event.status
    ) {
      await this.refresh([known.strategy]);
    }
  }

  private async _fetch(strategy: string): Promise<void> {
    const turn = (this._turns.get(strategy) ?? 0) + 1;
    this._turns.set(strategy, turn);
    let found: Pick<IOverviewItem, 'checks' | 'error'>;
    try {
      found = { checks: await this._source.checks(strategy), error: null };
    } catch (error) {
      found = { checks: null, error };
    }
    if (turn !== this._turns.get(strategy)) {
      return; // asked again meanwhile: that answer is newer, whichever comes first
    }
    this._items = this._items.map(item =>
      item.strategy === strategy ? { ...item, ...found } : item
    );
    this._changed.emit();
  }

  private _source: Pick<IChecksSource, 'checks'>;
  private _items: readonly IOverviewItem[] = [];
  private _shown = false;
  /** How often each strategy was asked for. */
  private readonly _turns = new Map<string, number>();
  private _changed = new Signal<this, void>(this);
}

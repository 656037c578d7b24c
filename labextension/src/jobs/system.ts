/** What the server says of itself, read once and again when it was away. */

import { ISignal, Signal } from '@lumino/signaling';

import type { ISystem } from '../api/types.js';

export class SystemModel {
  constructor(
    private readonly _source: { system(): Promise<ISystem> },
    private readonly _onFailure: (error: unknown) => void = () => undefined
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get value(): ISystem | null {
    return this._value;
  }

  /** What a sandbox level means; `null` where the server does not say. */
  levelDescription(level: string | null): string | null {
    const sandbox = this._value?.sandbox;
    if (level === null || sandbox === undefined) {
      return null;
    }
    return sandbox.levels?.[level] ?? (sandbox.level === level ? sandbox.description : null);
  }

  async refresh(): Promise<void> {
    try {
      this._value = await this._source.system();
    } catch (error) {
      this._onFailure(error);
      return;
    }
    this._changed.emit();
  }

  private _value: ISystem | null = null;
  private _changed = new Signal<this, void>(this);
}

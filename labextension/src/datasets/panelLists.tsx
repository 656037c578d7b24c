/** The two lists of the panel, of which it shows one: datasets, and the connectors that keep some of them fresh. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import React from 'react';

import type { IConnectors } from '../connectors/index.js';

/** Which of its two lists the panel shows. */
export class ShownList {
  readonly changed = new Signal<this, void>(this);

  get isConnectors(): boolean {
    return this._isConnectors;
  }

  show(isConnectors: boolean): void {
    this._isConnectors = isConnectors;
    this.changed.emit();
  }

  private _isConnectors = false;
}

/** Go from one list to the other, by keyboard as well. */
export function Lists({ shown, connectors, trans }: { shown: ShownList; connectors: IConnectors; trans: TranslationBundle }): JSX.Element {
  const { failing } = connectors.model;
  const tab = (isConnectors: boolean, label: string): JSX.Element => (
    <button
      type="button"
      role="tab"
      aria-selected={shown.isConnectors === isConnectors}
      tabIndex={shown.isConnectors === isConnectors ? 0 : -1}
      onClick={() => shown.show(isConnectors)}
    >
      {label}
      {isConnectors && failing > 0 ? (
        <span
          className="alphintra-Connector-failing"
          aria-label={trans._n('%1 needs you', '%1 need you', failing)}
          title={trans._n('%1 needs you', '%1 need you', failing)}
        >
          {failing}
        </span>
      ) : null}
    </button>
  );
  return (
    <div
      className="alphintra-Tabs alphintra-Panel-lists"
      role="tablist"
      aria-label={trans.__('Datasets or connectors')}
      onKeyDown={event => {
        if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
          event.preventDefault();
          shown.show(!shown.isConnectors);
          event.currentTarget.querySelector<HTMLElement>('[role=tab][tabindex="-1"]')?.focus();
        }
      }}
    >
      {tab(false, trans.__('Datasets'))}
      {tab(true, trans.__('Connectors'))}
    </div>
  );
}

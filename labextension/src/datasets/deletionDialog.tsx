/** The question before a dataset is deleted: what goes, and what becomes of what was made of it. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IDataset } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import type { IDerived } from '../api/problem.js';
import { askStaying } from '../stayingDialog.js';
import { Fate, decided, undecided, withMore } from './deleting.js';

class DeletionBody extends ReactWidget {
  constructor(
    private readonly _versions: number,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('alphintra-Deletion');
  }

  readonly fates = new Map<string, Fate>();

  /** Show what the server has said: what is to be decided, or why it cannot be. */
  refuse(error: unknown): void {
    const derived = undecided(error);
    this._problem = derived === null ? describe(error).text : null;
    this._derived = withMore(this._derived, derived ?? []);
    // What has just been named was not there to be chosen.
    this._isPressed = false;
    this.update();
  }

  /** Whether all is decided; what is not is pointed at. */
  isDecided(): boolean {
    const open = this._derived.some(item => !this.fates.has(item.dataset_id));
    this._isPressed = true;
    this.update();
    return !open;
  }

  protected override render(): JSX.Element {
    const { _trans: trans } = this;
    return (
      <>
        <p>
          {trans._n(
            '%1 version and its files go. From now on nobody reads it; what runs on it ends as it began.',
            '%1 versions and their files go. From now on nobody reads them; what runs on one ends as it began.',
            this._versions
          )}
        </p>
        {this._derived.length === 0 ? null : (
          <>
            <p>{trans.__('These were made of it:')}</p>
            <ul>
              {this._derived.map(item => (
                <li key={item.dataset_id} data-dataset={item.dataset_id}>
                  {this._line(item)}
                </li>
              ))}
            </ul>
          </>
        )}
        {this._problem === null ? null : (
          <p className="alphintra-Problem" role="alert">
            {this._problem}
          </p>
        )}
      </>
    );
  }

  private _line(item: IDerived): JSX.Element {
    const { _trans: trans } = this;
    const versions = item.versions.map(number => `@${number}`).join(', ');
    const chosen = this.fates.get(item.dataset_id);
    const choice = (fate: Fate, text: string): JSX.Element => (
      <label className="alphintra-Check">
        <input
          type="radio"
          name={item.dataset_id}
          checked={chosen === fate}
          onChange={() => {
            this.fates.set(item.dataset_id, fate);
            this.update();
          }}
        />
        {text}
      </label>
    );
    return (
      <fieldset role="radiogroup" aria-label={item.name}>
        <span>
          <b>{item.name}</b> <span className="alphintra-muted">{versions}</span>
        </span>
        {choice('keep', trans.__('stays'))}
        {choice('also', trans.__('goes as well'))}
        {chosen === undefined && this._isPressed ? (
          <span className="alphintra-Field-complaint" role="alert">
            {trans.__('Choose one.')}
          </span>
        ) : null}
      </fieldset>
    );
  }

  private _derived: IDerived[] = [];
  private _problem: string | null = null;
  private _isPressed = false;
}

/** Ask, and delete; true when it is being deleted. */
export function deleteDataset(
  dataset: IDataset,
  versions: number,
  client: Pick<Client, 'deleteDataset'>,
  trans: TranslationBundle
): Promise<boolean> {
  const body = new DeletionBody(versions, trans);
  return askStaying({
    title: trans.__('Delete %1?', dataset.name),
    body,
    accept: Dialog.warnButton({ label: trans.__('Delete') }),
    leave: trans.__('Cancel'),
    send: async () => {
      if (!body.isDecided()) {
        return false;
      }
      const { also, keep } = decided(body.fates);
      try {
        await client.deleteDataset(dataset.id, also, keep);
        return true;
      } catch (error) {
        body.refuse(error);
        return false;
      }
    }
  });
}

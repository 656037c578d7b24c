/** The page of a dataset that is not there any more for who looks at it: its sharing was ended, or it was deleted. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset } from '../api/datasets.js';
import { ApiError } from '../api/problem.js';

/** Whether an answer says that there is no such dataset for this user; another may come on the next try. */
export function isNoMore(error: unknown): boolean {
  return error instanceof ApiError && (error.problem.status === 404 || error.problem.status === 410);
}

/** Whether an answer says that this user may not do that with it: what the page offers is of another day. */
export function isRefused(error: unknown): boolean {
  return isNoMore(error) || (error instanceof ApiError && error.problem.code === 'DATASET_ACCESS');
}

export function TakenBack(props: {
  /** As it was seen last; `null` where it never was. */
  dataset: Pick<IDataset, 'name' | 'owner' | 'access'> | null;
  trans: TranslationBundle;
  onRetry: () => void;
  onClose: () => void;
}): JSX.Element {
  const { dataset, trans } = props;
  const owner = dataset !== null && dataset.access !== 'OWNER' ? dataset.owner : null;
  const [title, text] =
    dataset === null
      ? [
          trans.__('This dataset is not there for you.'),
          trans.__('It was deleted, or is no longer shared with you. Its owner can tell, and share it again.')
        ]
      : owner === null
        ? [trans.__('%1 was deleted.', dataset.name), trans.__('Runs that were done on it are kept.')]
        : [
            trans.__('%1 is no longer shared with you.', dataset.name),
            trans.__(
              '%1, whose it is, took it back or deleted it. Runs that you did on it and datasets that you made of it are still yours. To see it again, ask %1.',
              owner
            )
          ];
  return (
    <div className="alphintra-Panel-message alphintra-TakenBack" role="alert">
      <p className="alphintra-Problem">{title}</p>
      <p>{text}</p>
      <div className="alphintra-TakenBack-actions">
        <button type="button" className="alphintra-Button alphintra-mod-primary" onClick={props.onClose}>
          {trans.__('Close')}
        </button>
        <button type="button" className="alphintra-Button" onClick={props.onRetry}>
          {trans.__('Look again')}
        </button>
      </div>
    </div>
  );
}

/** One dataset in the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset } from '../api/datasets.js';
import { Row } from '../lists/rows.js';
import { listsEvents } from './events.js';
import { assetText, datasetState, freshness, fromText, rowsText, sharedText, spanText, symbolsText } from './words.js';

interface IProps {
  dataset: IDataset;
  current: boolean;
  now: number;
  trans: TranslationBundle;
  onOpen: () => void;
}

export function DatasetRow({ dataset, current, now, trans, onOpen }: IProps): JSX.Element {
  const state = datasetState(dataset, trans);
  const facts = [
    symbolsText(dataset, trans),
    // Events have neither a time frame nor an asset class of which there was anything to tell.
    ...(listsEvents(dataset.columns) ? [trans.__('events')] : [dataset.timeframe, assetText(dataset.asset_class)]),
    rowsText(dataset.row_count, trans)
  ].filter(Boolean);
  const span = spanText(dataset);
  const version = dataset.version === null ? null : `@${dataset.version}`;
  const from = fromText(dataset, trans);
  const shared = sharedText(dataset, trans);
  return (
    <Row
      id={dataset.id}
      label={[dataset.name, version, shared ?? from, ...facts, span, state.text].filter(Boolean).join(', ')}
      className="alphintra-Dataset"
      current={current}
      data-dataset={dataset.id}
      data-name={dataset.name}
      data-state={state.kind}
      title={[dataset.name + (version ?? ''), shared, dataset.description, facts.join(' \u00b7 ')].filter(Boolean).join('\n')}
      onOpen={onOpen}
    >
      <div className="alphintra-Item-line">
        <b>
          <bdi>{dataset.name}</bdi>
          {version ? <span className="alphintra-Dataset-version">{version}</span> : null}
        </b>
        <span className="alphintra-Dataset-from">{from}</span>
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        {/* Where it is narrow the line is broken between two of them. */}
        <span>{facts.map(fact => fact?.replaceAll(' ', '\u00a0')).join(' \u00b7 ')}</span>
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        <span>{span}</span>
        <span className="alphintra-Dataset-fresh">
          {dataset.simulated ? trans.__('simulated') : freshness(dataset.end_date, now, trans)}
        </span>
      </div>
      {dataset.source === 'PLATFORM' ? null : (
        <div className={`alphintra-Dataset-state alphintra-is-${state.kind}`}>
          <i aria-hidden="true">{state.mark}</i> {state.text}
        </div>
      )}
    </Row>
  );
}

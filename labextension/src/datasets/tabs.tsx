/** Some rows of a version, and the statistics of its columns. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { DatasetCell, IDatasetPreview, IDatasetStatistics } from '../api/datasets.js';
import { PlainTable } from '../plainTable.js';
import { cellText } from './words.js';

function isNumeric(type: string | undefined): boolean {
  return /^(double|float|int|uint|decimal)/.test(type ?? '');
}

export function SampleTab({ preview, trans }: { preview: IDatasetPreview; trans: TranslationBundle }): JSX.Element {
  const rows = preview.sample_data;
  const names = Object.keys(rows[0] ?? {});
  const left = new Set(names.flatMap((name, i) => (isNumeric(preview.data_types[name]) ? [] : [i])));
  if (rows.length === 0) {
    return <p className="alphintra-muted">{trans.__('No rows of it are shown.')}</p>;
  }
  return (
    <PlainTable label={trans.__('Some of its rows')} head={names} left={left}>
      {rows.map((row, i) => (
        <tr key={i}>
          {names.map((name, place) => (
            <td key={name} className={left.has(place) ? 'alphintra-mod-left' : ''}>
              {cellText(row[name])}
            </td>
          ))}
        </tr>
      ))}
    </PlainTable>
  );
}

/** What is shown of a column, in this order, as far as it is known. */
const FIGURES = ['count', 'nulls', 'min', 'quantile_0.5', 'mean', 'max', 'std'] as const;

export function StatisticsTab({ statistics, trans }: { statistics: IDatasetStatistics; trans: TranslationBundle }): JSX.Element {
  const labels: Record<(typeof FIGURES)[number], string> = {
    count: trans.__('rows'),
    nulls: trans.__('missing'),
    min: trans.__('least'),
    'quantile_0.5': trans.__('median'),
    mean: trans.__('mean'),
    max: trans.__('most'),
    std: trans.__('deviation')
  };
  const columns = Object.entries(statistics.columns);
  const shown = FIGURES.filter(name => columns.some(([, found]) => name in found));
  return (
    <PlainTable
      label={trans.__('Statistics of its columns')}
      head={[trans.__('column'), ...shown.map(name => labels[name])]}
      left={new Set([0])}
    >
      {columns.map(([column, found]) => (
        <tr key={column}>
          <td className="alphintra-mod-left">{column}</td>
          {shown.map(name => (
            <td key={name}>{cellText(found[name] as DatasetCell | undefined)}</td>
          ))}
        </tr>
      ))}
    </PlainTable>
  );
}

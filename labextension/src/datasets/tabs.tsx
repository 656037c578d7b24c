/** Some rows of a version, the statistics of its columns, and on which days there are rows. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { DatasetCell, IDatasetPreview, IDatasetStatistics } from '../api/datasets.js';
import { PlainTable } from '../plainTable.js';
import { isCoverage } from './coverage.js';
import { CoverageView } from './coverageView.js';
import { HISTOGRAM_HEIGHT, HISTOGRAM_WIDTH, IHistogram, histogramPath, isHistogram } from './histogram.js';
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

function Histogram({ found, column, trans }: { found: IHistogram; column: string; trans: TranslationBundle }): JSX.Element {
  const ends = [found.edges[0], found.edges.at(-1)].map(cellText);
  const label = trans.__('How the values of %1 are distributed between %2 and %3', column, ...ends);
  return (
    <svg className="alphintra-Histogram" width={HISTOGRAM_WIDTH} height={HISTOGRAM_HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={histogramPath(found)} />
    </svg>
  );
}

export function StatisticsTab(props: {
  statistics: IDatasetStatistics;
  types: Record<string, string>;
  trans: TranslationBundle;
}): JSX.Element {
  const { statistics, types, trans } = props;
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
  const isDrawn = columns.some(([, found]) => isHistogram(found.histogram));
  const coverage = columns.map(([, found]) => found.coverage).find(isCoverage);
  const head = [trans.__('column'), trans.__('type'), ...shown.map(name => labels[name])];
  return (
    <>
      <PlainTable
        label={trans.__('Statistics of its columns')}
        head={isDrawn ? [...head, trans.__('distribution')] : head}
        left={new Set([0, 1, head.length])}
      >
        {columns.map(([column, found]) => (
          <tr key={column}>
            <td className="alphintra-mod-left">{column}</td>
            <td className="alphintra-mod-left">{types[column] ?? ''}</td>
            {shown.map(name => (
              <td key={name}>{cellText(found[name] as DatasetCell | undefined)}</td>
            ))}
            {isDrawn ? (
              <td className="alphintra-mod-left">
                {isHistogram(found.histogram) ? <Histogram found={found.histogram} column={column} trans={trans} /> : null}
              </td>
            ) : null}
          </tr>
        ))}
      </PlainTable>
      {coverage === undefined ? null : <CoverageView coverage={coverage} trans={trans} />}
    </>
  );
}

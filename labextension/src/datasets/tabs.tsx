/** Some rows of a version, the statistics of its columns, and on which days there are rows. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { DatasetCell, IDatasetPreview, IDatasetStatistics } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { PlainTable } from '../plainTable.js';
import { isCoverage } from './coverage.js';
import { CoverageView } from './coverageView.js';
import { HISTOGRAM_HEIGHT, HISTOGRAM_WIDTH, IHistogram, histogramPath, isHistogram } from './histogram.js';
import { SymbolChoice } from './symbolChoice.js';
import { cellText, columnDecimals, figureText, inOrder } from './words.js';

function isNumeric(type: string | undefined): boolean {
  return /^(double|float|int|uint|decimal)/.test(type ?? '');
}

export function SampleTab({ preview, trans }: { preview: IDatasetPreview; trans: TranslationBundle }): JSX.Element {
  const rows = preview.sample_data;
  const names = Object.keys(rows[0] ?? {});
  const left = new Set(names.flatMap((name, i) => (isNumeric(preview.data_types[name]) ? [] : [i])));
  const decimals = names.map(name => columnDecimals(rows.map(row => row[name])));
  if (rows.length === 0) {
    return <p className="alphintra-muted">{trans.__('No rows of it are shown.')}</p>;
  }
  return (
    <PlainTable label={trans.__('Some of its rows')} head={names} left={left}>
      {rows.map((row, i) => (
        <tr key={i}>
          {names.map((name, place) => (
            <td key={name} className={left.has(place) ? 'alphintra-mod-left' : ''}>
              {cellText(row[name], decimals[place])}
            </td>
          ))}
        </tr>
      ))}
    </PlainTable>
  );
}

/** What is shown of a column, in this order, as far as it is known. */
const FIGURES = ['count', 'nulls', 'min', 'quantile_0.5', 'mean', 'max', 'std'] as const;
type Figure = (typeof FIGURES)[number];

/** A figure of a column: those that are values of it have its decimals. */
function figure(name: Figure, value: DatasetCell | undefined, decimals: number): string {
  switch (name) {
    case 'count':
    case 'nulls':
      return cellText(value, 0);
    case 'min':
    case 'max':
      return cellText(value, decimals);
    default:
      return figureText(value, decimals);
  }
}

function Histogram({ found, column, trans }: { found: IHistogram; column: string; trans: TranslationBundle }): JSX.Element {
  const ends = [found.edges[0], found.edges.at(-1)].map(edge => cellText(edge));
  const label = trans.__('How the values of %1 are distributed between %2 and %3', column, ...ends);
  return (
    <svg className="alphintra-Histogram" width={HISTOGRAM_WIDTH} height={HISTOGRAM_HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={histogramPath(found)} />
    </svg>
  );
}

interface IStatisticsProps {
  /** Of all symbols. */
  statistics: IDatasetStatistics;
  preview: IDatasetPreview;
  symbols: readonly string[];
  /** Count those of one symbol. */
  readStatistics: (symbol: string) => Promise<IDatasetStatistics>;
  trans: TranslationBundle;
}

interface IFoundStatistics {
  symbol: string;
  /** Those of all symbols, which are others of another version. */
  of: IDatasetStatistics;
  told: IDatasetStatistics | Error;
}

/** The statistics of a symbol, of all with none; `null` while they are counted. */
function useStatistics({ statistics, readStatistics }: IStatisticsProps, symbol: string): IDatasetStatistics | Error | null {
  const [found, setFound] = React.useState<IFoundStatistics | null>(null);
  React.useEffect(() => {
    let gone = false;
    if (symbol !== '') {
      readStatistics(symbol)
        .catch((reason: unknown) => new Error(describe(reason).text))
        .then(told => gone || setFound({ symbol, of: statistics, told }));
    }
    return () => {
      gone = true;
    };
  }, [symbol, statistics]);
  // Those of another version are no longer those of what is shown.
  return symbol === '' ? statistics : found?.symbol === symbol && found.of === statistics ? found.told : null;
}

/** Statistics of all symbols, or of the one that is chosen. */
export function StatisticsTab(props: IStatisticsProps): JSX.Element {
  const { symbols, trans } = props;
  const [chosen, setSymbol] = React.useState('');
  // Another version may be without it.
  const symbol = symbols.includes(chosen) ? chosen : '';
  const told = useStatistics(props, symbol);
  return (
    <>
      {symbols.length > 1 ? (
        <div className="alphintra-Dataset-chart-head">
          <SymbolChoice symbols={symbols} chosen={symbol} all={trans.__('All symbols')} trans={trans} onChoose={setSymbol} />
        </div>
      ) : null}
      {told === null ? (
        <div className="alphintra-Skeleton" style={{ width: '100%', height: 120 }} aria-busy="true" />
      ) : told instanceof Error ? (
        <p className="alphintra-Problem" role="alert">
          {told.message}
        </p>
      ) : (
        <Statistics {...props} statistics={told} />
      )}
    </>
  );
}

function Statistics({ statistics, preview, trans }: IStatisticsProps): JSX.Element {
  const types = preview.data_types;
  const labels: Record<Figure, string> = {
    count: trans.__('rows'),
    nulls: trans.__('missing'),
    min: trans.__('min'),
    'quantile_0.5': trans.__('median'),
    mean: trans.__('mean'),
    max: trans.__('max'),
    std: trans.__('std dev')
  };
  const columns = inOrder(statistics.columns, preview.sample_data[0] ?? {});
  const shown = FIGURES.filter(name => columns.some(([, found]) => name in found));
  // The minimum and the maximum may be written in fewer decimals than what lies between.
  const decimalsOf = (column: string, found: (typeof columns)[number][1]): number =>
    columnDecimals([...preview.sample_data.map(row => row[column]), found.min, found.max] as (DatasetCell | undefined)[]);
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
              <td key={name}>{figure(name, found[name] as DatasetCell | undefined, decimalsOf(column, found))}</td>
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

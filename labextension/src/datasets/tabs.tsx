/** What is known of a version, a tab each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { DatasetCell, IDatasetPreview, IDatasetStatistics, IDatasetVersion } from '../api/datasets.js';
import { bytesText } from '../jobs/words.js';
import { fixed } from '../result/format.js';
import { cellText, datasetState, rowsText, spanText } from './words.js';

function Plain(props: {
  label: string;
  head: readonly string[];
  /** Which columns hold text: they are aligned left. */
  left: ReadonlySet<number>;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div className="alphintra-Table-scroll alphintra-Dataset-table">
      <table aria-label={props.label}>
        <thead>
          <tr>
            {props.head.map((text, i) => (
              <th key={i} scope="col" className={props.left.has(i) ? 'alphintra-mod-left' : ''}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

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
    <Plain label={trans.__('Some of its rows')} head={names} left={left}>
      {rows.map((row, i) => (
        <tr key={i}>
          {names.map((name, place) => (
            <td key={name} className={left.has(place) ? 'alphintra-mod-left' : ''}>
              {cellText(row[name])}
            </td>
          ))}
        </tr>
      ))}
    </Plain>
  );
}

/** What is shown of a column, in this order, as far as it is known. */
const FIGURES = ['count', 'nulls', 'min', 'quantile_0.5', 'mean', 'max', 'std'] as const;

export function StatisticsTab({ statistics, trans }: { statistics: IDatasetStatistics; trans: TranslationBundle }): JSX.Element {
  const labels: Record<(typeof FIGURES)[number], string> = {
    count: trans.__('values'),
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
    <Plain
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
    </Plain>
  );
}

export function VersionsTab(props: {
  versions: readonly IDatasetVersion[];
  current: number | null;
  trans: TranslationBundle;
  onVersion: (number: number) => void;
}): JSX.Element {
  const { versions, current, trans } = props;
  if (versions.length === 0) {
    return <p className="alphintra-muted">{trans.__('What ships with the platform has one state, with each release.')}</p>;
  }
  const madeOf = (version: IDatasetVersion): string =>
    version.parents
      .map(own => (own.dataset_id === version.dataset_id ? `@${own.number}` : `${own.dataset_id.slice(0, 8)}@${own.number}`))
      .join(', ');
  return (
    <Plain
      label={trans.__('Its versions, the newest first')}
      head={['', trans.__('made'), trans.__('rows'), trans.__('dates'), trans.__('size'), trans.__('goes on from'), trans.__('state'), trans.__('content hash')]}
      left={new Set([0, 1, 3, 5, 6, 7])}
    >
      {versions.map(version => {
        const state = datasetState(version, trans);
        return (
          <tr key={version.id} className={version.number === current ? 'alphintra-mod-selected' : ''}>
            <td className="alphintra-mod-left">
              <button
                type="button"
                className="alphintra-Button"
                aria-pressed={version.number === current}
                disabled={version.state !== 'ACTIVE'}
                onClick={() => props.onVersion(version.number)}
              >
                @{version.number}
              </button>
            </td>
            <td className="alphintra-mod-left">{version.created_at.slice(0, 16).replace('T', ' ')}</td>
            <td title={rowsText(version.row_count, trans)}>{fixed(version.row_count, 0)}</td>
            <td className="alphintra-mod-left">{spanText(version)}</td>
            <td>{bytesText(version.file_size)}</td>
            <td className="alphintra-mod-left">{madeOf(version) || '\u2013'}</td>
            <td className="alphintra-mod-left">
              {version.state === 'ACTIVE' ? `${state.mark} ${state.text}` : version.state.toLowerCase()}
            </td>
            <td className="alphintra-mod-left">
              <code title={version.content_hash}>{version.content_hash.replace(/^sha256:/, '').slice(0, 12)}</code>
            </td>
          </tr>
        );
      })}
    </Plain>
  );
}

/** Two versions side by side: what is known at once, then cell by cell. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import { describe } from '../api/problem.js';
import type { ICellComparison, IVersionDifference } from '../api/recipes.js';
import { Outcome } from '../jobs/outcome.js';
import { useSignals } from '../lists/redraw.js';
import { PlainTable } from '../plainTable.js';
import { Following } from '../recipes/processTab.js';
import { PlacesTable } from '../recipes/rowsTable.js';
import { namesText } from '../recipes/words.js';
import { fixed } from '../result/format.js';
import type { IJobs } from '../tokens.js';
import { changedBySymbol } from './comparisonCounts.js';

interface IProps {
  dataset: string;
  from: number;
  to: number;
  /** Those that can be chosen. */
  versions: readonly number[];
  client: Client;
  jobs: IJobs;
  trans: TranslationBundle;
  onChange: (from: number, to: number) => void;
  onClose: () => void;
}

/** What is known of all of it, in lines. */
function Known({ found, trans }: { found: IVersionDifference; trans: TranslationBundle }): JSX.Element {
  const lines = [
    [trans.__('Rows'), trans.__('%1 \u2192 %2', fixed(found.rows_from, 0), fixed(found.rows_to, 0))],
    [trans.__('New columns'), namesText(found.columns_added)],
    [trans.__('Columns that are gone'), namesText(found.columns_removed)],
    [trans.__('New symbols'), namesText(found.symbols_added, found.symbols_added_count)],
    [trans.__('Symbols that are gone'), namesText(found.symbols_removed, found.symbols_removed_count)]
  ].filter(([, text]) => text !== '');
  return (
    <dl className="alphintra-Comparison-known">
      {lines.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Counts by symbol and by column, and the first places. */
function Cells({ found, known, trans }: {
  found: ICellComparison;
  known: IVersionDifference | null;
  trans: TranslationBundle;
}): JSX.Element {
  const columns = Object.entries(found.cells_changed).filter(([, count]) => count > 0);
  const symbols = changedBySymbol(found.places, known?.rows_differ ?? []);
  const cells = columns.reduce((sum, [, count]) => sum + count, 0);
  const all = cells + found.rows_added + found.rows_removed;
  if (found.equal) {
    return <p role="status">{trans.__('Both hold the same rows and cells.')}</p>;
  }
  return (
    <>
      <p role="status" className="alphintra-Comparison-sum">
        {[
          trans._n('%2 row added', '%2 rows added', found.rows_added, fixed(found.rows_added, 0)),
          trans._n('%2 row removed', '%2 rows removed', found.rows_removed, fixed(found.rows_removed, 0)),
          trans._n('%2 cell changed', '%2 cells changed', cells, fixed(cells, 0))
        ].join(' \u00b7 ')}
      </p>
      <div className="alphintra-Comparison-counts">
        {columns.length === 0 ? null : (
          <PlainTable
            label={trans.__('Cells changed, by column')}
            head={[trans.__('column'), trans.__('cells changed')]}
            left={new Set([0])}
          >
            {columns.map(([name, count]) => (
              <tr key={name}>
                <td className="alphintra-mod-left">{name}</td>
                <td>{fixed(count, 0)}</td>
              </tr>
            ))}
          </PlainTable>
        )}
        {symbols.length === 0 ? null : (
          <PlainTable
            label={trans.__('Differences by symbol')}
            head={[
              trans.__('symbol'),
              trans.__('rows before'),
              trans.__('rows after'),
              found.places.length < all ? trans.__('among the first %1 places', fixed(found.places.length, 0)) : trans.__('places')
            ]}
            left={new Set([0])}
          >
            {symbols.map(own => (
              <tr key={own.symbol}>
                <td className="alphintra-mod-left">{own.symbol}</td>
                <td>{own.rows === null ? '\u2013' : fixed(own.rows.from, 0)}</td>
                <td>{own.rows === null ? '\u2013' : fixed(own.rows.to, 0)}</td>
                <td>{fixed(own.places, 0)}</td>
              </tr>
            ))}
          </PlainTable>
        )}
      </div>
      {found.places.length === 0 ? null : (
        <PlacesTable places={found.places} label={trans.__('The first differences')} trans={trans} />
      )}
    </>
  );
}

export function ComparisonView(props: IProps): JSX.Element {
  const { dataset, from, to, versions, client, jobs, trans } = props;
  const [known, setKnown] = React.useState<IVersionDifference | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [again, setAgain] = React.useReducer((count: number) => count + 1, 0);
  const outcome = React.useMemo(() => new Outcome(jobs, job => client.versionComparison(dataset, job)), [dataset]);
  useSignals(outcome.changed, jobs.active.changed, jobs.connection.changed);
  React.useEffect(() => () => outcome.dispose(), [outcome]);
  React.useEffect(() => {
    let gone = false;
    setKnown(null);
    setError(null);
    outcome.clear();
    client.versionDifference(dataset, from, to).then(
      found => {
        if (!gone) {
          setKnown(found);
          if (!found.equal && found.comparable) {
            void outcome.start(() => client.compareVersions(dataset, from, to));
          }
        }
      },
      (reason: unknown) => gone || setError(reason)
    );
    return () => {
      gone = true;
    };
  }, [dataset, from, to, again]);
  const choice = (label: string, value: number, onChange: (number: number) => void): JSX.Element => (
    <select
      className="alphintra-Input"
      aria-label={label}
      value={value}
      onChange={event => onChange(Number(event.target.value))}
    >
      {versions.map(number => (
        <option key={number} value={number}>
          @{number}
        </option>
      ))}
    </select>
  );
  const failure = error ?? outcome.error;
  const failed = failure !== null ? describe(failure).text : (outcome.answer?.error?.message ?? null);
  return (
    <section className="alphintra-Comparison" aria-label={trans.__('Comparison of two versions')}>
      <div className="alphintra-Comparison-head">
        <h3>{trans.__('What changed from')}</h3>
        {choice(trans.__('From version'), from, number => props.onChange(number, to))}
        <span>{trans.__('to')}</span>
        {choice(trans.__('To version'), to, number => props.onChange(from, number))}
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Close the comparison')}
          aria-label={trans.__('Close the comparison')}
          onClick={props.onClose}
        >
          <closeIcon.react tag="span" elementSize="normal" />
        </button>
      </div>
      {failed === null ? null : (
        <div className="alphintra-Problem" role="alert">
          {failed}{' '}
          <button type="button" className="alphintra-Button" onClick={setAgain}>
            {trans.__('Try again')}
          </button>
        </div>
      )}
      {known === null ? (
        error === null ? <div className="alphintra-Skeleton" aria-busy="true" style={{ width: '40%', height: 20 }} /> : null
      ) : known.equal ? (
        <p role="status">{trans.__('Both hold the same rows and cells.')}</p>
      ) : (
        <>
          <Known found={known} trans={trans} />
          {known.comparable ? null : (
            <p role="status">{trans.__('Their times have other names or types: cells cannot be compared.')}</p>
          )}
        </>
      )}
      <Following outcome={outcome} name={trans.__('Comparison')} jobs={jobs} trans={trans} />
      {outcome.answer?.comparison ? <Cells found={outcome.answer.comparison} known={known} trans={trans} /> : null}
    </section>
  );
}

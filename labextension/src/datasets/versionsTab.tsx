/** All versions: what each was made of, and the ways back to it and between them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IDatasetVersion, IUpload } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { bytesText } from '../jobs/words.js';
import { useKeptFocus } from '../keptFocus.js';
import { useSignals } from '../lists/redraw.js';
import { PlainTable } from '../plainTable.js';
import type { RecipeModel } from '../recipes/model.js';
import { fixed } from '../result/format.js';
import type { IJobs } from '../tokens.js';
import { ComparisonView } from './comparisonView.js';
import { makingOf, otherThan, parentText } from './versions.js';
import { datasetState, spanText } from './words.js';

interface IProps {
  versions: readonly IDatasetVersion[];
  /** The one that is shown. */
  shown: number | null;
  /** Files that versions were made of, as far as they are this user's. */
  uploads: readonly IUpload[];
  /** Names of datasets by their ids. */
  names: ReadonlyMap<string, string>;
  /** Knows the steps that there are, so that what is as usual in one is not told. */
  recipe: RecipeModel;
  client: Client;
  jobs: IJobs;
  trans: TranslationBundle;
  onVersion: (number: number) => void;
  onDataset: (id: string, version: number) => void;
  /** Make a version the current one; `null` where that is not for this user to do. */
  onRestore: ((number: number) => Promise<void>) | null;
}

interface IRowProps extends IProps {
  version: IDatasetVersion;
  busy: boolean;
  onBack: () => void;
  onCompare: (() => void) | null;
}

function Row(props: IRowProps): JSX.Element {
  const { version, shown, uploads, names, trans } = props;
  const state = datasetState(version, trans);
  const made = makingOf(version, uploads, props.recipe.kinds ?? [], trans);
  const isActive = version.state === 'ACTIVE';
  return (
    <tr className={version.number === shown ? 'alphintra-mod-selected' : ''} data-version={version.number}>
      <td className="alphintra-mod-left">
        <button
          type="button"
          className="alphintra-Button"
          aria-pressed={version.number === shown}
          disabled={!isActive}
          onClick={() => props.onVersion(version.number)}
        >
          @{version.number}
        </button>
        {version.current ? <span className="alphintra-Chip">{trans.__('current')}</span> : null}
      </td>
      <td className="alphintra-mod-left" title={trans.__('by %1', version.created_by)}>
        {version.created_at.slice(0, 16).replace('T', ' ')}
      </td>
      <td className="alphintra-mod-left alphintra-Versions-made" title={made.steps.join('\n') || made.text}>
        {made.text}
      </td>
      <td className="alphintra-mod-left">
        {version.parents.length === 0
          ? '\u2013'
          : version.parents.map(parent => (
              <button
                key={parent.version_id}
                type="button"
                className="alphintra-Chip"
                disabled={parent.state !== 'ACTIVE'}
                title={parent.state === 'ACTIVE' ? trans.__('Show it') : trans.__('It was deleted.')}
                onClick={() =>
                  parent.dataset_id === version.dataset_id
                    ? props.onVersion(parent.number)
                    : props.onDataset(parent.dataset_id, parent.number)
                }
              >
                {parentText(parent, version.dataset_id, names)}
              </button>
            ))}
      </td>
      <td title={[spanText(version), bytesText(version.file_size)].join(', ')}>{fixed(version.row_count, 0)}</td>
      <td className="alphintra-mod-left alphintra-Versions-state">
        {isActive ? `${state.mark} ${state.text}` : version.state.toLowerCase()}
      </td>
      <td className="alphintra-mod-left">
        <code title={version.content_hash}>{version.content_hash.replace(/^sha256:/, '').slice(0, 8)}</code>
      </td>
      <td className="alphintra-mod-left alphintra-Versions-actions">
        {isActive && props.onCompare ? (
          <button type="button" className="alphintra-Button" onClick={props.onCompare}>
            {trans.__('Compare with\u2026')}
          </button>
        ) : null}
        {isActive && !version.current && props.onRestore ? (
          <button type="button" className="alphintra-Button" disabled={props.busy} onClick={props.onBack}>
            {trans.__('Go back to this version')}
          </button>
        ) : null}
      </td>
    </tr>
  );
}

export function VersionsTab(props: IProps): JSX.Element {
  const { versions, trans } = props;
  const [compared, setCompared] = React.useState<{ from: number; to: number } | null>(null);
  const [refusal, setRefusal] = React.useState<unknown>(null);
  const [busy, setBusy] = React.useState(false);
  useKeptFocus(busy);
  const node = React.useRef<HTMLDivElement>(null);
  const wentBack = React.useRef<number | null>(null);
  useSignals(props.recipe.changed);
  React.useEffect(() => {
    // The button that was pressed is gone from the version that is the current one by now.
    if (wentBack.current !== null && document.activeElement === document.body) {
      const version = node.current?.querySelector<HTMLElement>(`[data-version="${wentBack.current}"] button`);
      version?.focus({ preventScroll: true });
      wentBack.current = null;
    }
  }, [versions]);
  React.useEffect(() => {
    if (props.recipe.kinds === null && versions.some(own => own.recipe !== null)) {
      void props.recipe.load();
    }
  }, [versions]);
  if (versions.length === 0) {
    return <p className="alphintra-muted">{trans.__('What ships with the platform has one state, with each release.')}</p>;
  }
  const back = (number: number): void => {
    setBusy(true);
    setRefusal(null);
    wentBack.current = number;
    props.onRestore!(number)
      .catch((reason: unknown) => {
        wentBack.current = null;
        setRefusal(reason);
      })
      .finally(() => setBusy(false));
  };
  const compare = (number: number): (() => void) | null => {
    const other = otherThan(versions, number);
    return other === null ? null : () => setCompared({ from: Math.min(number, other), to: Math.max(number, other) });
  };
  const text = refusal === null ? null : describe(refusal).text;
  return (
    <div ref={node}>
      <PlainTable
        label={trans.__('Its versions, the newest first')}
        head={[
          trans.__('version'),
          trans.__('made, UTC'),
          trans.__('made of'),
          trans.__('goes on from'),
          trans.__('rows'),
          trans.__('state'),
          trans.__('content hash'),
          ''
        ]}
        left={new Set([0, 1, 2, 3, 5, 6, 7])}
      >
        {versions.map(version => (
          <Row
            key={version.id}
            {...props}
            version={version}
            busy={busy}
            onBack={() => back(version.number)}
            onCompare={compare(version.number)}
          />
        ))}
      </PlainTable>
      {text === null ? null : (
        <p className="alphintra-Problem" role="alert">
          {text}
        </p>
      )}
      {compared === null ? null : (
        <ComparisonView
          {...compared}
          dataset={versions[0]!.dataset_id}
          versions={versions.filter(own => own.state === 'ACTIVE').map(own => own.number)}
          client={props.client}
          jobs={props.jobs}
          trans={trans}
          onChange={(from, to) => setCompared({ from, to })}
          onClose={() => setCompared(null)}
        />
      )}
    </div>
  );
}

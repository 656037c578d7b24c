/** A dataset in the main area: what it is, its chart, what the rules found, a sample, statistics, versions. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import type {
  IDataset,
  IDatasetPreview,
  IDatasetStatistics,
  IDatasetVersion,
  IValidationReport
} from '../api/datasets.js';
import { Failure } from '../failure.js';
import { bytesText } from '../jobs/words.js';
import { fixed } from '../result/format.js';
import { CopyButton } from '../result/header.js';
import type { IAlphintra } from '../tokens.js';
import { ChartArea } from './chartArea.js';
import type { DatasetsModel } from './model.js';
import { IFired, sortedReport } from './report.js';
import { ReportTab } from './reportTab.js';
import { SampleTab, StatisticsTab, VersionsTab } from './tabs.js';
import {
  adjustmentText,
  assetText,
  datasetState,
  loadingCode,
  rowsText,
  sourceText,
  spanText,
  symbolsText
} from './words.js';

export interface IDatasetOptions {
  id: string;
  alphintra: IAlphintra;
  model: DatasetsModel;
  onTitle: (title: string) => void;
}

/** As many points a chart shows; the server aggregates what is more. */
const POINTS = 2_000;
const ROWS = 100;

/** What is shown of a version. */
interface IShown {
  dataset: IDataset;
  versions: IDatasetVersion[];
  /** The one that is shown; `null` for what ships. */
  version: IDatasetVersion | null;
  preview: IDatasetPreview;
  statistics: IDatasetStatistics;
  /** What the rules found; of what ships `null`. */
  report: IValidationReport | null;
  fired: readonly IFired[];
}

async function readAll(client: Client, id: string, number: number | null): Promise<IShown> {
  const asked = number === null ? {} : { version: number };
  const [dataset, versions, preview, statistics] = await Promise.all([
    client.dataset(id),
    client.datasetVersions(id),
    client.datasetPreview(id, { ...asked, rows: ROWS, max_points: POINTS }),
    client.datasetStatistics(id, asked)
  ]);
  const wanted = number ?? dataset.version;
  const version = versions.items.find(own => own.number === wanted) ?? null;
  const report = version === null ? null : await client.datasetReport(id, version.number);
  const fired = report === null ? [] : sortedReport(report).fired;
  return { dataset, versions: versions.items, version, preview, statistics, report, fired };
}

function Header({ shown, trans }: { shown: IShown; trans: TranslationBundle }): JSX.Element {
  const { dataset, version } = shown;
  const number = version?.number ?? dataset.version;
  const code = loadingCode(dataset.name, number);
  const of = version ?? dataset;
  const chips = [
    sourceText(dataset.source, trans),
    assetText(dataset.asset_class),
    of.timeframe,
    symbolsText({ symbols: dataset.symbols, symbol_count: of.symbol_count }, trans),
    rowsText(of.row_count, trans),
    spanText(of),
    bytesText(of.file_size),
    dataset.currency,
    dataset.calendar,
    dataset.adjustment ? adjustmentText(dataset.adjustment, trans) : null,
    dataset.time_zone ? trans.__('source: %1', dataset.time_zone) : null,
    dataset.license
  ].filter((text): text is string => Boolean(text));
  return (
    <>
      <header className="alphintra-Header">
        <div className="alphintra-Header-facts">
          <h2>
            {dataset.name}
            {number === null ? null : <span className="alphintra-Dataset-version">@{number}</span>}
          </h2>
          {chips.map((text, i) => (
            <span key={i} className="alphintra-Chip">
              {text}
            </span>
          ))}
        </div>
        <div className="alphintra-Header-actions">
          <CopyButton
            text={code}
            title={trans.__('Copy the code that loads it: %1', code)}
            label={trans.__('Copy code')}
            done={trans.__('Copied')}
          />
        </div>
      </header>
      <code className="alphintra-Dataset-code">{code}</code>
      {dataset.description ? <p className="alphintra-Dataset-description">{dataset.description}</p> : null}
      <Warnings shown={shown} trans={trans} />
    </>
  );
}

function Warnings({ shown: { dataset, version }, trans }: { shown: IShown; trans: TranslationBundle }): JSX.Element | null {
  const state = datasetState(version ?? dataset, trans);
  const told = [
    state.kind === 'errors'
      ? ['error', '\u2715', trans.__('%1: until it is mended or accepted, nothing runs on this version', state.text)]
      : state.kind === 'unchecked'
        ? ['warning', '!', state.text]
        : null,
    dataset.simulated ? ['warning', '!', trans.__('Simulated: nobody traded at these prices')] : null,
    dataset.tradable === false ? ['info', 'i', trans.__('Closes alone: nothing can be filled against it')] : null
  ].filter((own): own is string[] => own !== null);
  return told.length === 0 ? null : (
    <div className="alphintra-Warnings">
      <div className="alphintra-Warnings-strip">
        {told.map(([kind, mark, text]) => (
          <span key={text} className={`alphintra-Warning alphintra-mod-${kind}`}>
            <i aria-hidden="true">{mark}</i> {text}
          </span>
        ))}
      </div>
    </div>
  );
}

const TABS = ['report', 'sample', 'statistics', 'versions'] as const;
type Tab = (typeof TABS)[number];

function Tabs(props: {
  shown: IShown;
  trans: TranslationBundle;
  onVersion: (number: number) => void;
  onAccept: (rule: string, why: string) => Promise<void>;
}): JSX.Element {
  const { shown, trans } = props;
  const [tab, setTab] = React.useState<Tab>('report');
  const baseId = React.useId();
  const strip = React.useRef<HTMLDivElement>(null);
  const labels: Record<Tab, string> = {
    report: trans.__('Report'),
    sample: trans.__('Sample'),
    statistics: trans.__('Statistics'),
    versions: trans.__('Versions')
  };
  const counts: Record<Tab, number | null> = {
    report: shown.fired.length || null,
    sample: shown.preview.sample_data.length,
    statistics: Object.keys(shown.statistics.columns).length,
    versions: shown.versions.length || null
  };
  return (
    <>
      <div
        ref={strip}
        className="alphintra-Tabs"
        role="tablist"
        aria-label={trans.__('What is known of it')}
        data-lm-suppress-shortcuts="true"
        onKeyDown={event => {
          const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            const next = (TABS.indexOf(tab) + step + TABS.length) % TABS.length;
            setTab(TABS[next]!);
            (strip.current?.children[next] as HTMLElement | undefined)?.focus();
          }
        }}
      >
        {TABS.map(name => (
          <button
            key={name}
            id={`${baseId}-${name}`}
            type="button"
            role="tab"
            aria-selected={name === tab}
            aria-controls={`${baseId}-panel`}
            tabIndex={name === tab ? 0 : -1}
            onClick={() => setTab(name)}
          >
            {labels[name]}
            {counts[name] === null ? null : (
              <span className="alphintra-Tabs-count">{fixed(counts[name]!, 0)}</span>
            )}
          </button>
        ))}
      </div>
      <div id={`${baseId}-panel`} role="tabpanel" aria-labelledby={`${baseId}-${tab}`} className="alphintra-Dataset-tab">
        {tab === 'report' ? (
          <ReportTab
            dataset={shown.dataset}
            report={shown.report}
            trans={trans}
            onAccept={['OWNER', 'EDIT'].includes(shown.dataset.access) ? props.onAccept : null}
          />
        ) : tab === 'sample' ? (
          <SampleTab preview={shown.preview} trans={trans} />
        ) : tab === 'statistics' ? (
          <StatisticsTab statistics={shown.statistics} trans={trans} />
        ) : (
          <VersionsTab
            versions={shown.versions}
            current={shown.version?.number ?? null}
            trans={trans}
            onVersion={props.onVersion}
          />
        )}
      </div>
    </>
  );
}

function Skeleton({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <div className="alphintra-Result" aria-busy="true" aria-label={trans.__('Loading')}>
      <div className="alphintra-Skeleton" style={{ width: '40%', height: 24 }} />
      <div className="alphintra-Skeleton" style={{ width: '75%', height: 22, marginTop: 10 }} />
      <div className="alphintra-Skeleton" style={{ width: '100%', height: 320, marginTop: 16 }} />
    </div>
  );
}

function Document({ id, alphintra, model, onTitle }: IDatasetOptions): JSX.Element {
  const { client, trans } = alphintra;
  const [number, setNumber] = React.useState<number | null>(null);
  const [shown, setShown] = React.useState<IShown | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [again, setAgain] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    let gone = false;
    readAll(client, id, number).then(
      found => {
        if (!gone) {
          setShown(found);
          setError(null);
          onTitle(found.dataset.name);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setError(reason);
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [id, number, again]);
  // Another version, or another verdict on this one.
  React.useEffect(() => {
    const look = (): void => {
      const now = model.items.find(item => item.id === id);
      if (shown && now && now.updated_at !== shown.dataset.updated_at) {
        setAgain();
      }
    };
    model.changed.connect(look);
    return () => {
      model.changed.disconnect(look);
    };
  }, [shown]);
  if (error !== null) {
    return <Failure error={error} title={trans.__('The dataset could not be read.')} trans={trans} onRetry={setAgain} />;
  }
  if (shown === null) {
    return <Skeleton trans={trans} />;
  }
  return (
    <article className="alphintra-Result alphintra-DatasetView" data-dataset={id} aria-label={shown.dataset.name}>
      <Header shown={shown} trans={trans} />
      <ChartArea
        key={`${id}@${shown.version?.number ?? ''}`}
        first={shown.preview.chart_data}
        symbols={shown.dataset.symbols}
        fired={shown.fired}
        alphintra={alphintra}
        of={{ id, version: shown.version?.number ?? null }}
        readChart={async symbol => {
          const asked = shown.version ? { version: shown.version.number } : {};
          return (await client.datasetPreview(id, { ...asked, symbol, rows: 1, max_points: POINTS })).chart_data;
        }}
      />
      <Tabs
        shown={shown}
        trans={trans}
        onVersion={setNumber}
        onAccept={async (rule, why) => {
          await client.acknowledge(id, shown.version!.number, [rule], why);
          setAgain();
          void model.refresh();
        }}
      />
    </article>
  );
}

export class DatasetDocument extends ReactWidget {
  constructor(private readonly _options: IDatasetOptions) {
    super();
    this.addClass('alphintra-ResultWidget');
    this.node.tabIndex = 0;
  }

  get datasetId(): string {
    return this._options.id;
  }

  protected override render(): JSX.Element {
    return <Document {...this._options} />;
  }
}

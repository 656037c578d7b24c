/** What is known of a version and can be made of it, a tab each. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IReportPlace } from '../api/datasets.js';
import type { RecipeModel } from '../recipes/model.js';
import { ProcessTab } from '../recipes/processTab.js';
import { fixed } from '../result/format.js';
import type { IJobs } from '../tokens.js';
import type { DatasetsModel } from './model.js';
import { ReportTab } from './reportTab.js';
import { SharingTab } from './sharing.js';
import type { IShown } from './shown.js';
import { SampleTab, StatisticsTab } from './tabs.js';
import { VersionsTab } from './versionsTab.js';
import { nameInCode, rightsOf, sharedText } from './words.js';

interface IProps {
  shown: IShown;
  model: DatasetsModel;
  recipe: RecipeModel;
  client: Client;
  jobs: IJobs;
  trans: TranslationBundle;
  /** Show a version of a dataset: of this one, or another. */
  onOpen: (id: string, version: number) => void;
  onAccept: (rule: string, why: string) => Promise<void>;
  onRestore: (version: number) => Promise<void>;
  /** Show what the rules found on the chart; `null` where there is none. */
  onPlace: ((place: IReportPlace) => void) | null;
}

type Tab = 'report' | 'sample' | 'statistics' | 'versions' | 'process' | 'sharing';

/** The tabs that there are of it for this user. */
function tabsOf({ dataset, version }: IShown): Tab[] {
  const usual: Tab[] = ['report', 'sample', 'statistics', 'versions'];
  const { use, own } = rightsOf(dataset);
  return [
    ...usual,
    ...(version !== null && use ? (['process'] as const) : []),
    ...(version !== null && own ? (['sharing'] as const) : [])
  ];
}

function Content(props: IProps & { tab: Tab; onReport: () => void }): JSX.Element | null {
  const { tab, shown, model, client, jobs, trans } = props;
  const { dataset, version } = shown;
  const mayChange = rightsOf(dataset).change;
  switch (tab) {
    case 'report':
      return (
        <ReportTab
          dataset={dataset}
          report={shown.report}
          trans={trans}
          onAccept={mayChange ? props.onAccept : null}
          onPlace={props.onPlace}
        />
      );
    case 'sample':
      return <SampleTab preview={shown.preview} trans={trans} />;
    case 'statistics':
      return (
        <StatisticsTab
          statistics={shown.statistics}
          preview={shown.preview}
          symbols={dataset.symbols}
          readStatistics={symbol => {
            const asked = version === null ? {} : { version: version.number };
            return client.datasetStatistics(dataset.id, { ...asked, symbol });
          }}
          trans={trans}
        />
      );
    case 'versions':
      return (
        <VersionsTab
          versions={shown.versions}
          shown={version?.number ?? null}
          uploads={shown.uploads}
          recipe={props.recipe}
          names={new Map(model.items.map(item => [item.id, item.name]))}
          client={client}
          jobs={jobs}
          trans={trans}
          onVersion={number => props.onOpen(dataset.id, number)}
          onDataset={props.onOpen}
          onRestore={mayChange ? props.onRestore : null}
        />
      );
    case 'process':
      return version === null ? null : (
        <ProcessTab
          dataset={dataset}
          version={version}
          columns={version.columns.filter(name => !/^(date|time)/.test(shown.preview.data_types[name] ?? ''))}
          model={props.recipe}
          jobs={jobs}
          datasets={model.items
            .filter(item => item.id !== dataset.id && item.version !== null && rightsOf(item).use)
            .map(item => ({
              value: `${nameInCode(item)}@${item.version}`,
              label: sharedText(item, trans) === null ? undefined : trans.__('%1 of %2', item.name, item.owner)
            }))}
          trans={trans}
          onOpen={(id, number) => {
            props.onReport();
            props.onOpen(id, number);
          }}
        />
      );
    case 'sharing':
      return <SharingTab dataset={dataset} client={client} trans={trans} />;
  }
}

/** Leave a tab as much room as is scrolled to: a shorter one after a longer would move the tabs away from the pointer. */
function keepPlace(panel: HTMLElement): void {
  const scroller = panel.closest('.alphintra-DatasetWidget');
  const room = scroller?.scrollTop ? scroller.getBoundingClientRect().bottom - panel.getBoundingClientRect().top : 0;
  panel.style.minHeight = `${Math.max(0, room)}px`;
}

export function DatasetTabs(props: IProps): JSX.Element {
  const { shown, trans } = props;
  const tabs = tabsOf(shown);
  const [chosen, setTab] = React.useState<Tab>('report');
  const tab = tabs.includes(chosen) ? chosen : 'report';
  const baseId = React.useId();
  const strip = React.useRef<HTMLDivElement>(null);
  const panel = React.useRef<HTMLDivElement>(null);
  const choose = (next: Tab): void => {
    if (panel.current) {
      keepPlace(panel.current);
    }
    setTab(next);
  };
  const labels: Record<Tab, string> = {
    report: trans.__('Report'),
    sample: trans.__('Sample'),
    statistics: trans.__('Statistics'),
    versions: trans.__('Versions'),
    process: trans.__('Process\u2026'),
    sharing: trans.__('Sharing')
  };
  const counts: Partial<Record<Tab, number>> = {
    report: shown.fired.length,
    sample: shown.preview.sample_data.length,
    statistics: Object.keys(shown.statistics.columns).length,
    versions: shown.versions.length
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
            const next = (tabs.indexOf(tab) + step + tabs.length) % tabs.length;
            choose(tabs[next]!);
            (strip.current?.children[next] as HTMLElement | undefined)?.focus();
          }
        }}
      >
        {tabs.map(name => (
          <button
            key={name}
            id={`${baseId}-${name}`}
            type="button"
            role="tab"
            aria-selected={name === tab}
            aria-controls={`${baseId}-panel`}
            tabIndex={name === tab ? 0 : -1}
            onClick={() => choose(name)}
          >
            {labels[name]}
            {counts[name] ? <span className="alphintra-Tabs-count">{fixed(counts[name], 0)}</span> : null}
          </button>
        ))}
      </div>
      <div
        ref={panel}
        id={`${baseId}-panel`}
        role="tabpanel"
        aria-labelledby={`${baseId}-${tab}`}
        className="alphintra-Dataset-tab"
      >
        <Content {...props} tab={tab} onReport={() => setTab('report')} />
      </div>
    </>
  );
}

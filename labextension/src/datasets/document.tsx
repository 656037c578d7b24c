/** A dataset in the main area: what it is, its chart, what the rules found, a sample, statistics, versions. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IDataset, IRuleChoice } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import type { IJob } from '../api/types.js';
import { Failure } from '../failure.js';
import { Outcome } from '../jobs/outcome.js';
import { useSignals } from '../lists/redraw.js';
import { RecipeModel } from '../recipes/model.js';
import { Following } from '../recipes/processTab.js';
import type { IAlphintra, IJobs } from '../tokens.js';
import { ChartArea, IGoal } from './chartArea.js';
import { DatasetTabs } from './datasetTabs.js';
import { deleteDataset } from './deletionDialog.js';
import { Drafts, draftOf } from './drafts.js';
import { holdsEvents } from './events.js';
import { EventsArea } from './eventsArea.js';
import { Header } from './header.js';
import type { DatasetsModel } from './model.js';
import { sortedReport, timeOf } from './report.js';
import { askForRules } from './rulesDialog.js';
import type { IShown } from './shown.js';
import { TakenBack, isNoMore, isRefused } from './takenBack.js';
import { rightsOf } from './words.js';

export interface IDatasetOptions {
  id: string;
  alphintra: IAlphintra;
  jobs: IJobs;
  model: DatasetsModel;
  /** Where a recipe is kept while it is written. */
  drafts: Drafts;
  /** The version that is shown first; with `null` the current one. */
  version: number | null;
  onTitle: (title: string) => void;
  /** Show a version of a dataset. */
  onOpen: (id: string, version: number) => void;
  /** It is being deleted. */
  onGone: () => void;
}

/** As many points a chart shows; the server aggregates what is more. */
const POINTS = 2_000;
const ROWS = 100;
/** As many uploads are looked through for the files that versions were made of. */
const UPLOADS = 100;

async function readAll(client: Client, id: string, number: number | null): Promise<IShown> {
  const asked = number === null ? {} : { version: number };
  const [dataset, versions, preview, statistics, uploads] = await Promise.all([
    client.dataset(id),
    client.datasetVersions(id),
    client.datasetPreview(id, { ...asked, rows: ROWS, max_points: POINTS }),
    client.datasetStatistics(id, asked),
    client.uploads(UPLOADS)
  ]);
  const wanted = number ?? dataset.version;
  const version = versions.items.find(own => own.number === wanted) ?? null;
  const report = version === null ? null : await client.datasetReport(id, version.number);
  const fired = report === null ? [] : sortedReport(report).fired;
  return {
    dataset,
    versions: versions.items,
    version,
    preview,
    statistics,
    report,
    fired,
    uploads: uploads.items.filter(upload => upload.version_id !== null)
  };
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

/** The version that is shown: the current one with `null`, until another is asked for. */
function useVersion({ asked }: IDocumentProps): [number | null, (number: number | null) => void] {
  const [number, setNumber] = React.useState(asked.number);
  React.useEffect(() => {
    const look = (): void => setNumber(asked.number);
    asked.changed.connect(look);
    return () => {
      asked.changed.disconnect(look);
    };
  }, [asked]);
  return [number, next => asked.set(next)];
}

/** What is shown, read again when the list tells of another state of it. */
function useShown({ id, alphintra, model, onTitle }: IDocumentProps, number: number | null): {
  shown: IShown | null;
  error: unknown;
  readAgain: () => void;
} {
  const [shown, setShown] = React.useState<IShown | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [again, setAgain] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    let gone = false;
    readAll(alphintra.client, id, number).then(
      found => {
        if (!gone) {
          setShown(found);
          setError(null);
          onTitle(found.dataset.name);
        }
      },
      (reason: unknown) => gone || setError(reason)
    );
    return () => {
      gone = true;
    };
  }, [id, number, again]);
  // Another version, another verdict on this one, or other rights. What others share is asked for where the list has no
  // place for it, as far as that was read: its owner may have taken it back.
  React.useEffect(() => {
    let isAsking = false;
    const compare = (now: IDataset): void => {
      if (shown && (now.updated_at !== shown.dataset.updated_at || now.access !== shown.dataset.access)) {
        setAgain();
      }
    };
    const look = (): void => {
      const now = model.find(id);
      if (now) {
        compare(now);
      } else if (shown?.dataset.owner && !rightsOf(shown.dataset).own && !model.isReading && !isAsking) {
        isAsking = true;
        alphintra.client
          .dataset(id)
          .then(compare, (reason: unknown) => isNoMore(reason) && setError(reason))
          .finally(() => {
            isAsking = false;
          });
      }
    };
    model.changed.connect(look);
    return () => {
      model.changed.disconnect(look);
    };
  }, [shown]);
  return { shown, error, readAgain: setAgain };
}

/** The check of a version that was asked for here. */
function useCheck({ alphintra, jobs }: IDocumentProps, onEnd: () => void): Outcome<IJob> {
  const check = React.useMemo(() => new Outcome<IJob>(jobs, job => alphintra.client.job(job)), []);
  useSignals(check.changed, jobs.active.changed, jobs.connection.changed);
  React.useEffect(() => () => check.dispose(), [check]);
  const isDone = check.answer !== null && !check.isBusy;
  React.useEffect(() => {
    if (isDone) {
      onEnd();
    }
  }, [isDone]);
  return check;
}

function Document(props: IDocumentProps): JSX.Element {
  const { id, alphintra, jobs, model } = props;
  const { client, trans } = alphintra;
  const [number, setNumber] = useVersion(props);
  const { shown, error, readAgain } = useShown(props, number);
  const check = useCheck(props, () => {
    readAgain();
    void model.refresh();
  });
  const recipe = React.useMemo(
    () => new RecipeModel(id, client, jobs, trans, () => UUID.uuid4(), draftOf(props.drafts, `recipe:${id}`)),
    []
  );
  React.useEffect(() => () => recipe.dispose(), [recipe]);
  const [goal, setGoal] = React.useState<IGoal | null>(null);
  if (isNoMore(error)) {
    const { onGone: onClose } = props;
    return <TakenBack dataset={shown?.dataset ?? null} trans={trans} onRetry={readAgain} onClose={onClose} />;
  }
  if (error !== null) {
    return <Failure error={error} title={trans.__('The dataset could not be read.')} trans={trans} onRetry={readAgain} />;
  }
  if (shown === null) {
    return <Skeleton trans={trans} />;
  }
  const { dataset, version, report } = shown;
  const changed = (): void => {
    readAgain();
    void model.refresh();
  };
  // Who is refused sees what they may do by now.
  const refused = (reason: unknown): never => {
    if (isRefused(reason)) {
      changed();
    }
    throw reason;
  };
  const isEvents = holdsEvents(shown.preview.data_types);
  const place = `${id}@${version?.number ?? ''}`;
  const may = rightsOf(dataset);
  const mayChange = version !== null && may.change;
  const askAndCheck = async (): Promise<void> => {
    const title = trans.__('Check %1@%2 again', dataset.name, version!.number);
    const { rules } = await client.validationRules();
    const send = (choice: IRuleChoice): Promise<void> =>
      check.start(() => client.validate(id, version!.number, choice).catch(refused));
    await askForRules(title, rules, report?.parameters ?? {}, send, trans);
  };
  const told = (doing: Promise<unknown>): void => {
    doing.catch((reason: unknown) => Notification.error(describe(reason).text));
  };
  const failed = check.error !== null ? describe(check.error).text : (check.answer?.error?.message ?? null);
  return (
    <article className="alphintra-Result alphintra-DatasetView" data-dataset={id} aria-label={dataset.name}>
      <Header
        dataset={dataset}
        version={version}
        isEvents={isEvents}
        trans={trans}
        progress={<Following outcome={check} name={trans.__('Check')} jobs={jobs} trans={trans} />}
        onDescribe={mayChange ? change => client.changeDataset(id, { ...change }).then(changed, refused) : null}
        onCheck={mayChange && !check.isBusy ? () => told(askAndCheck()) : null}
        onDelete={
          mayChange && may.own
            ? () => {
                const asked = deleteDataset(dataset, shown.versions.length, client, trans);
                told(asked.then(isGone => isGone && props.onGone()));
              }
            : null
        }
      />
      {failed === null ? null : (
        <p className="alphintra-Problem" role="alert">
          {trans.__('It could not be checked. %1', failed)}
        </p>
      )}
      {isEvents ? (
        <EventsArea
          key={place}
          of={{ id, version: version?.number ?? null }}
          name={dataset.name}
          symbols={dataset.symbols}
          total={(version ?? dataset).row_count}
          sample={shown.preview.sample_data}
          alphintra={alphintra}
        />
      ) : (
        <ChartArea
          key={place}
          first={shown.preview.chart_data}
          symbols={shown.dataset.symbols}
          columns={Object.keys(shown.preview.data_types).filter(name => shown.preview.data_types[name] === 'double')}
          fired={shown.fired}
          goal={goal}
          alphintra={alphintra}
          of={{ id, version: shown.version?.number ?? null }}
          readChart={async symbol => {
            const asked = shown.version ? { version: shown.version.number } : {};
            return (await client.datasetPreview(id, { ...asked, symbol, rows: 1, max_points: POINTS })).chart_data;
          }}
        />
      )}
      <DatasetTabs
        shown={shown}
        model={model}
        recipe={recipe}
        client={client}
        jobs={jobs}
        trans={trans}
        onOpen={(other, its) => (other === id ? setNumber(its) : props.onOpen(other, its))}
        onPlace={isEvents ? null : place => setGoal({ symbol: place.symbol, time: timeOf(place) })}
        onAccept={async (rule, why) => {
          await client.acknowledge(id, version!.number, [rule], why).catch(refused);
          changed();
        }}
        onRestore={async back => {
          await client.restoreVersion(id, back, dataset.version!).catch(refused);
          setNumber(null);
          changed();
        }}
      />
    </article>
  );
}

/** The version that is asked for, by whoever opens it. */
class AskedVersion {
  constructor(number: number | null) {
    this._number = number;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** With `null` the current one, whichever that is. */
  get number(): number | null {
    return this._number;
  }

  set(number: number | null): void {
    this._number = number;
    this._changed.emit();
  }

  private _number: number | null;
  private _changed = new Signal<this, void>(this);
}

interface IDocumentProps extends IDatasetOptions {
  asked: AskedVersion;
}

export class DatasetDocument extends ReactWidget {
  constructor(private readonly _options: IDatasetOptions) {
    super();
    this._asked = new AskedVersion(_options.version);
    this.addClass('alphintra-ResultWidget');
    this.addClass('alphintra-DatasetWidget');
    this.node.tabIndex = 0;
  }

  get datasetId(): string {
    return this._options.id;
  }

  /** Show a version; with `null` the current one. */
  showVersion(number: number | null): void {
    this._asked.set(number);
  }

  protected override render(): JSX.Element {
    return <Document {...this._options} asked={this._asked} />;
  }

  private _asked: AskedVersion;
}

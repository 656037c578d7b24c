/** The Datasets panel: the catalogue, and the uploads that are to become part of it. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, fileUploadIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { describe } from '../api/problem.js';
import { Failure } from '../failure.js';
import { datasetsIcon } from '../icons.js';
import { fixed } from '../result/format.js';
import { CommandIDs, IJobs } from '../tokens.js';
import { ALL, DatasetsModel } from './model.js';
import { DatasetRow } from './row.js';
import { UploadRow } from './uploadRow.js';
import type { IChosenFile, IUploadItem, UploadsModel } from './uploads.js';
import { assetText } from './words.js';

interface IProps {
  model: DatasetsModel;
  uploads: UploadsModel;
  jobs: IJobs;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** The dataset that is open in front. */
  current: () => string | null;
  onFiles: (files: readonly IChosenFile[]) => void;
}

/** Typing waits this long, in milliseconds, before the server is asked. */
const TYPING_MS = 250;

function useModels({ model, uploads, jobs }: IProps): number {
  const [now, setNow] = React.useState(Date.now());
  const [, setTick] = React.useState(0);
  React.useEffect(() => {
    const count = (): void => setTick(tick => tick + 1);
    model.changed.connect(count);
    uploads.changed.connect(count);
    jobs.active.changed.connect(count);
    jobs.connection.changed.connect(count);
    const timer = window.setInterval(() => setNow(Date.now()), 60_000);
    count(); // what happened between drawing and listening
    return () => {
      model.changed.disconnect(count);
      uploads.changed.disconnect(count);
      jobs.active.changed.disconnect(count);
      jobs.connection.changed.disconnect(count);
      window.clearInterval(timer);
    };
  }, [model, uploads, jobs]);
  return now;
}

function Skeleton({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <ul className="alphintra-Runs" aria-busy="true" aria-label={trans.__('Loading')}>
      {[0, 1, 2, 3].map(i => (
        <li key={i} className="alphintra-Run">
          <div className="alphintra-Skeleton" style={{ width: '60%', height: 14 }} />
          <div className="alphintra-Skeleton" style={{ width: '85%', height: 12 }} />
          <div className="alphintra-Skeleton" style={{ width: '70%', height: 12 }} />
        </li>
      ))}
    </ul>
  );
}

function Filters({ model, trans }: IProps): JSX.Element {
  const [words, setWords] = React.useState(model.filter.search);
  const timer = React.useRef(0);
  const asked = React.useRef(model.filter.search);
  if (model.filter.search !== asked.current) {
    asked.current = model.filter.search;
    setWords(model.filter.search);
  }
  const choice = (
    field: 'source' | 'asset_class' | 'timeframe',
    label: string,
    options: readonly (readonly [string, string])[]
  ): JSX.Element => (
    <select
      className="alphintra-Input"
      aria-label={label}
      title={label}
      value={model.filter[field]}
      onChange={event => void model.choose({ [field]: event.target.value })}
    >
      <option value="">{label}</option>
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
  return (
    <div className="alphintra-Panel-filter alphintra-Datasets-filter" data-lm-suppress-shortcuts="true">
      <input
        type="search"
        className="alphintra-Input"
        placeholder={trans.__('Search: name, symbol, tag')}
        aria-label={trans.__('Search the datasets')}
        value={words}
        onChange={event => {
          const next = event.target.value;
          setWords(next);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => {
            asked.current = next;
            void model.choose({ search: next });
          }, TYPING_MS);
        }}
      />
      <div className="alphintra-Datasets-choices">
        {choice('source', trans.__('Source'), [
          ['USER_UPLOAD', trans.__('Uploaded')],
          ['PLATFORM', trans.__('Platform')],
          ['EXTERNAL', trans.__('Connected')]
        ])}
        {choice('asset_class', trans.__('Asset'), model.seen('asset_class').map(own => [own, assetText(own)]))}
        {choice('timeframe', trans.__('Frame'), model.seen('timeframe').map(own => [own, own]))}
      </div>
    </div>
  );
}

function Uploads(props: IProps): JSX.Element | null {
  const { uploads, jobs, trans, commands } = props;
  const { items } = uploads;
  if (items.length === 0) {
    return null;
  }
  const discard = (upload: IUploadItem): void => {
    uploads.discard(upload).catch((reason: unknown) => {
      Notification.error(trans.__('The upload could not be ended. %1', describe(reason).text));
    });
  };
  return (
    <section>
      <h3 className="alphintra-Variables-group">{trans.__('Uploads')}</h3>
      <ul className="alphintra-Runs" aria-label={trans.__('Uploads')}>
        {items.map(upload => (
          <UploadRow
            key={upload.id ?? upload.filename}
            upload={upload}
            job={jobs.active.find(upload.jobId)}
            trans={trans}
            onOpen={() => void commands.execute(CommandIDs.openUpload, { id: upload.id })}
            onDiscard={() => discard(upload)}
            onStopJob={jobs.stop}
          />
        ))}
      </ul>
    </section>
  );
}

function List(props: IProps & { now: number; onBrowse: () => void }): JSX.Element {
  const { model, jobs, trans, commands, now } = props;
  const stale = !jobs.connection.isUp;
  const current = props.current();
  return (
    <>
      {stale || model.error !== null ? (
        <p className="alphintra-Problem" role="alert">
          {stale
            ? trans.__('The server does not answer. It is asked again; until then this list is as it was.')
            : trans.__('The list could not be read anew. %1', describe(model.error).text)}
        </p>
      ) : null}
      {model.items.length === 0 ? (
        <div className="alphintra-Panel-message">
          {model.isFiltered ? (
            <>
              <p>{trans.__('No dataset is like this.')}</p>
              <button type="button" className="alphintra-Button" onClick={() => void model.choose(ALL)}>
                {trans.__('Show all datasets')}
              </button>
            </>
          ) : (
            <>
              <p>
                {trans.__(
                  'Here are the datasets that you can load and run on. Drop a file here, or choose one: CSV, Parquet, JSON, Excel or Feather, packed or not.'
                )}
              </p>
              <button type="button" className="alphintra-Button alphintra-mod-primary" onClick={props.onBrowse}>
                {trans.__('Upload a file')}
              </button>
            </>
          )}
        </div>
      ) : (
        <ul className="alphintra-Runs" aria-label={trans.__('Datasets, by name')}>
          {model.items.map(dataset => (
            <DatasetRow
              key={dataset.id}
              dataset={dataset}
              current={dataset.id === current}
              now={now}
              trans={trans}
              onOpen={() => void commands.execute(CommandIDs.openDataset, { id: dataset.id })}
            />
          ))}
        </ul>
      )}
      {model.items.length < model.total ? (
        <button type="button" className="alphintra-Button alphintra-Runs-more" onClick={() => void model.more()}>
          {trans.__('Show more datasets')}
        </button>
      ) : null}
    </>
  );
}

function Body(props: IProps): JSX.Element {
  const { model, trans, onFiles } = props;
  const now = useModels(props);
  const input = React.useRef<HTMLInputElement>(null);
  const [over, setOver] = React.useState(false);
  const browse = (): void => input.current?.click();
  const hasFiles = (event: React.DragEvent): boolean => event.dataTransfer.types.includes('Files');
  return (
    <div
      className={`alphintra-Datasets ${over ? 'alphintra-mod-over' : ''}`}
      onDragOver={event => {
        if (hasFiles(event)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      }}
      onDrop={event => {
        setOver(false);
        if (hasFiles(event)) {
          event.preventDefault();
          onFiles([...event.dataTransfer.files]);
        }
      }}
    >
      <div className="alphintra-Panel-head">
        <h2>{trans.__('Datasets')}</h2>
        <button
          type="button"
          className="alphintra-IconButton alphintra-Datasets-upload"
          title={trans.__('Upload files')}
          onClick={browse}
        >
          <fileUploadIcon.react tag="span" elementSize="normal" />
        </button>
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Refresh the list')}
          onClick={() => void props.commands.execute(CommandIDs.refreshDatasets)}
        >
          <refreshIcon.react tag="span" elementSize="normal" />
        </button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={trans.__('Upload files')}
          onChange={event => {
            onFiles([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
      </div>
      <Filters {...props} />
      <div className="alphintra-Panel-body">
        <Uploads {...props} />
        {model.state === 'loading' ? (
          <Skeleton trans={trans} />
        ) : model.state === 'error' ? (
          <Failure
            error={model.error}
            title={trans.__('The datasets could not be read.')}
            trans={trans}
            onRetry={() => void model.refresh()}
          />
        ) : (
          <List {...props} now={now} onBrowse={browse} />
        )}
      </div>
      <div className="alphintra-Panel-foot">
        <span className="alphintra-muted" role="status">
          {over
            ? trans.__('Let go to upload')
            : model.state === 'ready'
              ? trans._n('%2 dataset', '%2 datasets', model.total, fixed(model.total, 0))
              : ''}
        </span>
      </div>
    </div>
  );
}

export class DatasetsPanel extends ReactWidget {
  constructor(private readonly _options: IProps) {
    super();
    const { trans } = _options;
    this.id = 'alphintra-datasets';
    this.title.icon = datasetsIcon;
    this.title.caption = trans.__('Datasets');
    this.addClass('alphintra-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Datasets'));
  }

  /** Open the browser's dialog for files. */
  browse(): void {
    this.node.querySelector<HTMLInputElement>('input[type=file]')?.click();
  }

  protected override render(): JSX.Element {
    return <Body {...this._options} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._options.model.refresh();
    void this._options.uploads.refresh();
  }
}

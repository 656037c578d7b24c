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
import { ListSkeleton, useMinute, useSignals } from '../panelList.js';
import { fixed } from '../result/format.js';
import { CommandIDs, IJobs } from '../tokens.js';
import { ALL, DatasetsModel } from './model.js';
import { DatasetRow } from './row.js';
import { StorageModel, roomLeft, takenShare, usageDetail, usageText } from './storage.js';
import { UploadRow } from './uploadRow.js';
import type { IChosenFile, IUploadItem, UploadsModel } from './uploads.js';
import { assetText } from './words.js';

interface IProps {
  model: DatasetsModel;
  storage: StorageModel;
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
      <ul className="alphintra-Items" aria-label={trans.__('Uploads')}>
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
        <ul className="alphintra-Items" aria-label={trans.__('Datasets, by name')}>
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
        <button type="button" className="alphintra-Button alphintra-Items-more" onClick={() => void model.more()}>
          {trans.__('Show more datasets')}
        </button>
      ) : null}
    </>
  );
}

/** How much of one's room is taken. */
function Quota({ storage: { usage }, trans }: Pick<IProps, 'storage' | 'trans'>): JSX.Element | null {
  if (usage === null) {
    return null;
  }
  const percent = Math.round(takenShare(usage) * 100);
  const text = usageText(usage, trans);
  return (
    <div
      className={`alphintra-Quota alphintra-is-${roomLeft(usage)}`}
      role="meter"
      aria-label={trans.__('Storage')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={text}
      title={usageDetail(usage, trans)}
    >
      <span>{text}</span>
      <div className="alphintra-Bar">
        <i style={{ width: `${percent}%` }} />
      </div>
    </div>
  );
}

function Body(props: IProps): JSX.Element {
  const { model, storage, uploads, jobs, trans, onFiles } = props;
  useSignals(model.changed, storage.changed, uploads.changed, jobs.active.changed, jobs.connection.changed);
  const now = useMinute();
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
          <ListSkeleton widths={['60%', '85%', '70%']} trans={trans} />
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
        <Quota storage={props.storage} trans={trans} />
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
    void this._options.storage.refresh();
  }
}

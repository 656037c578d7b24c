/** The Datasets panel: the catalogue, and the uploads that are to become part of it. */

import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, addIcon, fileUploadIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { describe } from '../api/problem.js';
import type { IConnectors } from '../connectors/index.js';
import { ConnectorList } from '../connectors/list.js';
import { Failure } from '../failure.js';
import { datasetsIcon } from '../icons.js';
import { ListSkeleton, useMinute, useSignals } from '../panelList.js';
import { fixed } from '../result/format.js';
import { CommandIDs, IJobs } from '../tokens.js';
import { Filters } from './filters.js';
import { ALL, DatasetsModel } from './model.js';
import { Lists, ShownList } from './panelLists.js';
import { DatasetRow } from './row.js';
import { StorageModel, roomLeft, takenShare, usageDetail, usageText } from './storage.js';
import { UploadRow } from './uploadRow.js';
import type { IChosenFile, IUploadItem, UploadsModel } from './uploads.js';

interface IProps {
  model: DatasetsModel;
  storage: StorageModel;
  uploads: UploadsModel;
  connectors: IConnectors;
  jobs: IJobs;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** The dataset that is open in front. */
  current: () => string | null;
  onFiles: (files: readonly IChosenFile[]) => void;
}

function Uploads(props: IProps): JSX.Element | null {
  const { uploads, jobs, trans, commands } = props;
  // What a connector fetched is its own matter: its row asks.
  const items = uploads.items.filter(upload => !props.connectors.model.ofUpload(upload.id));
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

/** How many there are of what is listed. */
function countText({ model, connectors, shown, trans }: IProps & { shown: ShownList }): string {
  if (shown.isConnectors) {
    const { items, state } = connectors.model;
    return state === 'ready' ? trans._n('%1 connector', '%1 connectors', items.length) : '';
  }
  return model.state === 'ready' ? trans._n('%2 dataset', '%2 datasets', model.total, fixed(model.total, 0)) : '';
}

function Body(props: IProps & { shown: ShownList }): JSX.Element {
  const { model, storage, uploads, connectors, jobs, trans, commands, shown, onFiles } = props;
  useSignals(
    model.changed,
    storage.changed,
    uploads.changed,
    connectors.model.changed,
    jobs.active.changed,
    jobs.connection.changed,
    shown.changed
  );
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
          shown.show(false);
          onFiles([...event.dataTransfer.files]);
        }
      }}
    >
      <div className="alphintra-Panel-head">
        <h2>{trans.__('Datasets')}</h2>
        {shown.isConnectors ? (
          <button
            type="button"
            className="alphintra-IconButton"
            title={trans.__('New connector')}
            onClick={() => void commands.execute(CommandIDs.newConnector)}
          >
            <addIcon.react tag="span" elementSize="normal" />
          </button>
        ) : (
          <button
            type="button"
            className="alphintra-IconButton alphintra-Datasets-upload"
            title={trans.__('Upload files')}
            onClick={browse}
          >
            <fileUploadIcon.react tag="span" elementSize="normal" />
          </button>
        )}
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Refresh the list')}
          onClick={() => void commands.execute(CommandIDs.refreshDatasets)}
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
      <Lists shown={shown} connectors={connectors} trans={trans} />
      {shown.isConnectors ? null : <Filters model={model} trans={trans} />}
      <div className="alphintra-Panel-body" role="tabpanel">
        {shown.isConnectors ? (
          <ConnectorList
            model={connectors.model}
            actions={connectors.actions}
            jobs={jobs}
            trans={trans}
            now={now}
            current={connectors.current()}
            onOpen={id => void commands.execute(CommandIDs.openConnector, { id })}
            onNew={() => void commands.execute(CommandIDs.newConnector)}
          />
        ) : (
          <>
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
          </>
        )}
      </div>
      <div className="alphintra-Panel-foot">
        <span className="alphintra-muted" role="status">
          {over ? trans.__('Let go to upload') : countText(props)}
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

  /** Show the datasets, or the connectors. */
  showList(isConnectors: boolean): void {
    this._shown.show(isConnectors);
  }

  /** Open the browser's dialog for files. */
  browse(): void {
    this.node.querySelector<HTMLInputElement>('input[type=file]')?.click();
  }

  protected override render(): JSX.Element {
    return <Body {...this._options} shown={this._shown} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._options.model.refresh();
    void this._options.uploads.refresh();
    void this._options.storage.refresh();
    void this._options.connectors.model.refresh();
  }

  private _shown = new ShownList();
}

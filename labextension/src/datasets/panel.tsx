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
import { datasetsIcon } from '../icons.js';
import { useMinute, useSignals } from '../lists/redraw.js';
import { IconButton, Rows } from '../lists/rows.js';
import { Lateness, ListSkeleton, ListStates, More, Told } from '../lists/states.js';
import { fixed } from '../result/format.js';
import { CommandIDs, IJobs } from '../tokens.js';
import { Filters } from './filters.js';
import { ALL, DatasetsModel } from './model.js';
import { Lists, ShownList } from './panelLists.js';
import { DatasetRow } from './row.js';
import { StorageModel, roomLeft, takenShare, usageDetail, usageText } from './storage.js';
import { UploadRow, uploadKey } from './uploadRow.js';
import { FRUITLESS, IChosenFile, IUploadItem, UploadsModel } from './uploads.js';

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

function Uploads(props: IProps & { onBrowse: () => void }): JSX.Element | null {
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
  const failures = items.filter(upload => FRUITLESS.includes(upload.state));
  return (
    <section>
      <div className="alphintra-Uploads-head">
        <h3 className="alphintra-Variables-group">{trans.__('Uploads')}</h3>
        {failures.length > 1 ? (
          <button
            type="button"
            className="alphintra-Chip"
            title={trans.__('Take all from the list that failed or were not gone on with')}
            onClick={() => failures.forEach(discard)}
          >
            {trans.__('dismiss all %1', failures.length)}
          </button>
        ) : null}
      </div>
      <Rows label={trans.__('Uploads')} ids={items.map(uploadKey)}>
        {items.map(upload => (
          <UploadRow
            key={uploadKey(upload)}
            upload={upload}
            job={jobs.active.find(upload.jobId)}
            trans={trans}
            onOpen={() => void commands.execute(CommandIDs.openUpload, { id: upload.id })}
            onChoose={props.onBrowse}
            onDiscard={() => discard(upload)}
            onStopJob={jobs.stop}
          />
        ))}
      </Rows>
    </section>
  );
}

function List(props: IProps & { now: number; onBrowse: () => void }): JSX.Element {
  const { model, trans, commands, now } = props;
  const current = props.current();
  if (model.items.length === 0) {
    return model.isFiltered ? (
      <Told
        text={trans.__('No dataset is like this.')}
        label={trans.__('Show all datasets')}
        onPress={() => void model.choose(ALL)}
      />
    ) : (
      <Told
        text={trans.__(
          'Here are the datasets that you can load and run on. Drop a file here, or choose one: CSV, Parquet, JSON, Excel or Feather, packed or not.'
        )}
        label={trans.__('Upload a file')}
        isPrimary
        onPress={props.onBrowse}
      />
    );
  }
  return (
    <>
      <Rows label={trans.__('Datasets, by name')} ids={model.items.map(dataset => dataset.id)} current={current}>
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
      </Rows>
      <More model={model} trans={trans} label={trans.__('Show more datasets')} />
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
          <IconButton
            label={trans.__('New connector')}
            icon={addIcon}
            onPress={() => void commands.execute(CommandIDs.newConnector)}
          />
        ) : (
          <IconButton
            label={trans.__('Upload files')}
            icon={fileUploadIcon}
            className="alphintra-Datasets-upload"
            onPress={browse}
          />
        )}
        <IconButton
          label={trans.__('Refresh the list')}
          icon={refreshIcon}
          onPress={() => void commands.execute(CommandIDs.refreshDatasets)}
        />
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
      <div
        className="alphintra-Panel-body"
        role="tabpanel"
        tabIndex={-1}
        aria-label={shown.isConnectors ? trans.__('Connectors') : trans.__('Datasets')}
        aria-busy={(shown.isConnectors ? connectors.model : model).isReading}
      >
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
            <Uploads {...props} onBrowse={browse} />
            <ListStates
              model={model}
              trans={trans}
              skeleton={<ListSkeleton widths={['60%', '85%', '70%']} trans={trans} />}
              failed={trans.__('The datasets could not be read.')}
            >
              <List {...props} now={now} onBrowse={browse} />
              <Lateness model={model} isAway={!jobs.connection.isUp} trans={trans} />
            </ListStates>
          </>
        )}
      </div>
      <div className="alphintra-Panel-foot">
        <span className="alphintra-muted" role="status">
          {over ? trans.__('Let go to upload') : countText(props)}
        </span>
        {over ? null : <Quota storage={props.storage} trans={trans} />}
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

/** An upload in the main area: on its way, looked at, corrected, made a version of a dataset. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IUploadInspection } from '../api/datasets.js';
import { describe, refusalOf } from '../api/problem.js';
import type { IJob } from '../api/types.js';
import { Failure } from '../failure.js';
import { JobProgress } from '../jobs/progress.js';
import type { IJobs } from '../tokens.js';
import { Drafts, draftOf } from './drafts.js';
import { IMappingForm, ingestBody } from './mapping.js';
import { keptForm, written } from './mappingDraft.js';
import { MappingForm } from './mappingForm.js';
import { SendingProgress, errorText } from './uploadRow.js';
import type { UploadsModel } from './uploads.js';
import { nameOfFile } from './words.js';

export interface IImportOptions {
  id: string;
  client: Client;
  uploads: UploadsModel;
  jobs: IJobs;
  trans: TranslationBundle;
  /** Where the form is kept while it is filled in. */
  drafts: Drafts;
  onTitle: (title: string) => void;
  /** A version came of it: its id, and the name of its dataset as far as this tab knows it. */
  onDone: (version: string | null, name: string) => void;
  /** It was discarded. */
  onGone: () => void;
}

/** States from which an upload is not imported any more. */
const GONE: readonly string[] = ['DONE', 'FAILED', 'ABORTED', 'EXPIRED'];

/** What the server knows of an upload: read anew whenever its job or its bytes have come to an end. */
function useInspection(props: IImportOptions): { stand: IUploadInspection | null; error: unknown; read: () => void } {
  const { id, client, jobs, uploads } = props;
  const [stand, setStand] = React.useState<IUploadInspection | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const call = React.useRef(0);
  const read = React.useCallback((): void => {
    const own = ++call.current;
    client.uploadInspection(id).then(
      found => {
        if (own === call.current) {
          setStand(found);
          setError(null);
          // Its end may have come before anybody listened: it is looked for by its id.
          jobs.active.readSoon();
        }
      },
      (reason: unknown) => {
        if (own === call.current) {
          setError(reason);
        }
      }
    );
  }, [id, client]);
  React.useEffect(() => {
    const ended = (_: unknown, job: IJob): void => {
      if (job.resource_id === id) {
        read();
      }
    };
    jobs.active.ended.connect(ended);
    jobs.stale.connect(read);
    uploads.sent.connect(read);
    read();
    return () => {
      call.current += 1;
      jobs.active.ended.disconnect(ended);
      jobs.stale.disconnect(read);
      uploads.sent.disconnect(read);
    };
  }, [read]);
  return { stand, error, read };
}

/** Redraw while a job or the bytes go on. */
function useProgress({ jobs, uploads }: IImportOptions): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    jobs.active.changed.connect(redraw);
    uploads.changed.connect(redraw);
    return () => {
      jobs.active.changed.disconnect(redraw);
      uploads.changed.disconnect(redraw);
    };
  }, [jobs, uploads]);
}

/** Names of the platform's datasets, which one's own cannot have; none before they were read: the server knows them. */
function useTaken(client: Client): readonly string[] {
  const [taken, setTaken] = React.useState<readonly string[]>([]);
  React.useEffect(() => {
    client.datasets({ source: 'PLATFORM', limit: 200 }).then(
      page => setTaken(page.items.map(dataset => dataset.name)),
      (reason: unknown) => console.warn('The names of the platform\u2019s datasets could not be read.', reason)
    );
  }, [client]);
  return taken;
}

function Import(props: IImportOptions): JSX.Element {
  const { id, client, jobs, uploads, trans } = props;
  const { stand, error, read } = useInspection(props);
  useProgress(props);
  const taken = useTaken(client);
  const [form, setForm] = React.useState<IMappingForm | null>(null);
  const draft = draftOf(props.drafts, `mapping:${id}`);
  const [busy, setBusy] = React.useState(false);
  const [refusal, setRefusal] = React.useState<unknown>(null);
  const found = stand?.inspection ?? null;
  React.useEffect(() => {
    if (stand) {
      props.onTitle(stand.filename);
    }
    if (found !== null && form === null) {
      setForm(keptForm(draft.read(), found, nameOfFile(stand!.dataset_name)));
    }
    if (stand !== null && GONE.includes(stand.state)) {
      draft.drop();
    }
    if (stand?.state === 'DONE') {
      props.onDone(stand.version_id, form?.about.dataset.trim() || stand.dataset_name);
    }
  }, [stand]);

  const ingest = (): void => {
    setBusy(true);
    setRefusal(null);
    const release = jobs.announcer.hold();
    client
      .ingestUpload(id, ingestBody(form!))
      .then(
        () => {
          // This document shows the end.
          jobs.announcer.startedHere(id);
          jobs.active.readSoon();
          void uploads.refresh();
          read();
        },
        (reason: unknown) => setRefusal(reason)
      )
      .finally(() => {
        setBusy(false);
        release();
      });
  };
  const discard = async (): Promise<void> => {
    const answer = await showDialog({
      title: trans.__('Discard the upload?'),
      body: trans.__('The file is removed from the server; what is on your disk stays.'),
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Discard') })]
    });
    const item = uploads.find(id);
    if (answer.button.accept && item) {
      try {
        await uploads.discard(item);
        draft.drop();
        props.onGone();
      } catch (reason) {
        Notification.error(trans.__('The upload could not be ended. %1', describe(reason).text));
      }
    }
  };

  if (stand === null) {
    return error === null ? (
      <div className="alphintra-Mapping" aria-busy="true" aria-label={trans.__('Loading')}>
        <div className="alphintra-Skeleton" style={{ width: '40%', height: 20 }} />
        <div className="alphintra-Skeleton" style={{ width: '100%', height: 220 }} />
      </div>
    ) : (
      <Failure error={error} title={trans.__('The upload could not be read.')} trans={trans} onRetry={read} />
    );
  }
  const job = jobs.active.find(stand.job_id);
  const told = refusal === null ? null : refusalOf(refusal);
  const why = errorText(stand.error);
  const failed = why ? { text: why, details: [] } : null;
  const head = (
    <header className="alphintra-Mapping-head">
      <h2>{stand.filename}</h2>
      {found ? <span className="alphintra-Chip">{found.format}</span> : null}
      {found && found.tables.length > 1 ? (
        <span className="alphintra-Chip" title={found.tables.join('\n')}>
          {trans.__('%1 tables; shown: %2', found.tables.length, found.table)}
        </span>
      ) : null}
    </header>
  );
  switch (stand.state) {
    case 'RECEIVING': {
      const item = uploads.find(id);
      return (
        <div className="alphintra-Mapping">
          {head}
          {item ? <SendingProgress upload={item} trans={trans} onDiscard={() => void discard()} /> : null}
        </div>
      );
    }
    case 'INSPECTING':
    case 'INGESTING':
      return (
        <div className="alphintra-Mapping">
          {head}
          <p>
            {stand.state === 'INSPECTING'
              ? trans.__('The first rows are looked at: what its columns are, how times and numbers are written.')
              : trans.__('All rows are read, sorted and checked by every rule. You need not wait here.')}
          </p>
          <JobProgress
            job={job ?? { status: 'PENDING', phase: null, progress: null }}
            name={stand.filename}
            trans={trans}
            stale={!jobs.connection.isUp}
            onStop={() => jobs.stop(stand.job_id!)}
          />
        </div>
      );
    case 'INSPECTED':
      return (
        <div className="alphintra-Mapping">
          {head}
          {found && form ? (
            <MappingForm
              found={found}
              form={form}
              trans={trans}
              busy={busy}
              taken={taken}
              problem={told ?? failed}
              onChange={next => {
                draft.write(written(next, found));
                setForm(next);
              }}
              onImport={ingest}
              onDiscard={() => void discard()}
            />
          ) : null}
        </div>
      );
    default:
      return (
        <div className="alphintra-Mapping">
          {head}
          {failed ? (
            <p className="alphintra-Problem" role="alert">
              {failed.text}
            </p>
          ) : null}
          {stand.state === 'RECEIVED' ? (
            <button
              type="button"
              className="alphintra-Button alphintra-mod-primary"
              onClick={() => void client.inspectUpload(id).then(read, setRefusal)}
            >
              {trans.__('Look at it again')}
            </button>
          ) : stand.state === 'DONE' ? (
            <p>{trans.__('It has become a version of a dataset.')}</p>
          ) : stand.state === 'FAILED' ? (
            <p>{trans.__('It was not kept. Upload it again once it is mended, or another one.')}</p>
          ) : stand.state === 'EXPIRED' && failed ? null : (
            <p>{trans.__('The file is no longer kept: upload it again.')}</p>
          )}
          {told ? (
            <p className="alphintra-Problem" role="alert">
              {told.text}
            </p>
          ) : null}
        </div>
      );
  }
}

export class ImportDocument extends ReactWidget {
  constructor(private readonly _options: IImportOptions) {
    super();
    this.addClass('alphintra-DatasetWidget');
    this.node.tabIndex = 0;
  }

  get uploadId(): string {
    return this._options.id;
  }

  protected override render(): JSX.Element {
    return <Import {...this._options} />;
  }
}

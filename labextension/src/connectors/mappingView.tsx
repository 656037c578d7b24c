/** How a connector's file is read: the form of uploads, on what its first run brought. */

import React from 'react';

import type { ConnectorsClient } from '../api/connectorsClient.js';
import type { IConnector } from '../api/connectors.js';
import type { IInspected } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import type { IJob } from '../api/types.js';
import { IMappingForm, ingestBody, initialForm } from '../datasets/mapping.js';
import { MappingForm } from '../datasets/mappingForm.js';
import { Failure } from '../failure.js';
import type { IAlphintra, IJobs } from '../tokens.js';
import type { ConnectorActions } from './actions.js';

interface IProps {
  connector: IConnector;
  upload: string;
  alphintra: IAlphintra;
  api: ConnectorsClient;
  jobs: IJobs;
  actions: ConnectorActions;
}

export function ConnectorMapping({ connector, upload, alphintra, api, jobs, actions }: IProps): JSX.Element {
  const { client, trans } = alphintra;
  const [found, setFound] = React.useState<IInspected | null>(null);
  const [form, setForm] = React.useState<IMappingForm | null>(null);
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<unknown>(null);
  const [refusal, setRefusal] = React.useState<unknown>(null);
  const read = React.useCallback((): void => {
    setError(null);
    client.uploadInspection(upload).then(
      ({ inspection, error: failed }) => {
        if (inspection) {
          setFound(inspection);
          setForm(own => own ?? initialForm(inspection, connector.dataset));
        } else if (failed) {
          setError(new Error(failed.message));
        }
      },
      (reason: unknown) => setError(reason)
    );
  }, [upload]);
  React.useEffect(() => {
    const ended = (_: unknown, job: IJob): void => {
      if (job.resource_id === upload) {
        read();
      }
    };
    jobs.active.ended.connect(ended);
    read();
    return () => {
      jobs.active.ended.disconnect(ended);
    };
  }, [read]);
  const send = async (): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      await api.change(connector.id, { mapping: ingestBody(form!).mapping });
      await actions.run(connector);
    } catch (reason) {
      setRefusal(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="alphintra-Connector-mapping" aria-label={trans.__('How it is read')}>
      <h3>{trans.__('How is the file read?')}</h3>
      {error !== null ? (
        <Failure error={error} title={trans.__('The file could not be looked at.')} trans={trans} onRetry={read} />
      ) : found === null || form === null ? (
        <div aria-busy="true" aria-label={trans.__('Loading')}>
          <div className="alphintra-Skeleton" style={{ width: '100%', height: 220 }} />
        </div>
      ) : (
        <MappingForm
          found={found}
          form={form}
          trans={trans}
          busy={busy}
          problem={refusal === null ? null : describe(refusal)}
          becomes={{
            action: trans.__('Read it like this'),
            hint: trans.__('This and every later run reads it like this.')
          }}
          onChange={setForm}
          onImport={() => void send()}
        />
      )}
    </section>
  );
}

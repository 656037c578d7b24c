/** Requests to the server's part about connectors. */

import type { Client } from './client.js';
import type { IConnector, IConnectorRun, IInterface } from './connectors.js';
import type { IPage } from './types.js';

/** How long a list may take. */
const LIST_MS = 10_000;

export class ConnectorsClient {
  constructor(private readonly _client: Pick<Client, 'send'>) {}

  /** All connectors of this user, by name: one has at most a hundred. */
  connectors(): Promise<IPage<IConnector>> {
    return this._read('connectors?limit=200', { signal: AbortSignal.timeout(LIST_MS) });
  }

  connector(id: string): Promise<IConnector> {
    return this._read(pathOf(id));
  }

  /** Set one up; under the same key it is set up once, however often it is asked for. */
  create(body: object, key: string): Promise<IConnector> {
    return this._read('connectors', {
      method: 'POST',
      headers: { 'Idempotency-Key': key },
      body: JSON.stringify(body)
    });
  }

  change(id: string, change: Record<string, unknown>): Promise<IConnector> {
    return this._read(pathOf(id), { method: 'PATCH', body: JSON.stringify(change) });
  }

  /** Forget one, its runs and its secret; the dataset stays. */
  async remove(id: string): Promise<void> {
    await this._client.send(pathOf(id), { method: 'DELETE' });
  }

  /** Fetch now. */
  run(id: string, key: string): Promise<IConnectorRun> {
    return this._read(`${pathOf(id)}/run`, { method: 'POST', headers: { 'Idempotency-Key': key } });
  }

  /** Its runs, the newest first. */
  connectorRuns(id: string, limit: number): Promise<IPage<IConnectorRun>> {
    return this._read(`${pathOf(id)}/runs?limit=${limit}`, { signal: AbortSignal.timeout(LIST_MS) });
  }

  /** The description of the interface, which the form is made of: read once. */
  interface(): Promise<IInterface> {
    this._interface ??= this._read<IInterface>('openapi.json').catch((reason: unknown) => {
      this._interface = null;
      throw reason;
    });
    return this._interface;
  }

  private async _read<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await this._client.send(path, init)).json() as Promise<T>;
  }

  private _interface: Promise<IInterface> | null = null;
}

function pathOf(id: string): string {
  return `connectors/${encodeURIComponent(id)}`;
}

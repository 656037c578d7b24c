/** Requests to Alphintra's part of the server. */

import { DatasetsClient } from './datasetsClient.js';
import { LIST_MS } from './requests.js';
import type {
  IBacktest,
  ICheckRun,
  IChecks,
  IChecksUpdate,
  IClone,
  IComparison,
  IExecution,
  IInspection,
  IJob,
  IJobLog,
  IPage,
  IResults,
  ISnippet,
  IStoredStrategy,
  IStrategyVersion,
  ISystem,
  ITemplate
} from './types.js';

/** How long a comparison may take, with those before it; what is lost on its way ends as an error. */
const COMPARE_MS = 180_000;

export interface IExecuteBody {
  dataset_id: string;
  start_date: string | null;
  end_date: string | null;
  benchmark: string | null;
  reference: string | null;
  parameters: Record<string, unknown>;
  initial_capital: number;
  commission: unknown;
  slippage: unknown;
  profile: string;
  methodology: string;
  method: Record<string, unknown> | null;
}

/** Which jobs a list holds. */
export interface IJobQuery {
  status?: string;
  kind?: string;
  /** Part of the name, or an id. */
  q?: string;
  limit: number;
  /** Where to go on, from the address of the next page. */
  cursor?: string;
}

/** A thin client: one method for each endpoint that the extension uses. */
export class Client extends DatasetsClient {
  inspect(path: string): Promise<IInspection> {
    return this.post('strategies/code/inspect', { path });
  }

  fromFile(path: string, className: string): Promise<IStoredStrategy> {
    return this.post('strategies/code/from-file', {
      path,
      class_name: className
    });
  }

  /** The code of a strategy as a run had it. */
  strategyVersion(id: string, version: number): Promise<IStrategyVersion> {
    return this.get(`strategies/code/${encodeURIComponent(id)}/versions/${version}`);
  }

  /** Start a run; under the same key it is started once, however often it is asked for. */
  execute(id: string, body: IExecuteBody, key: string): Promise<IExecution> {
    return this.request(`strategies/code/${encodeURIComponent(id)}/execute`, {
      method: 'POST',
      headers: { 'Idempotency-Key': key },
      body: JSON.stringify(body)
    });
  }

  templates(): Promise<IPage<ITemplate>> {
    return this.get('strategies/templates', { limit: 100 });
  }

  clone(id: string): Promise<IClone> {
    return this.post(
      `strategies/templates/${encodeURIComponent(id)}/clone`,
      {}
    );
  }

  snippets(): Promise<IPage<ISnippet>> {
    return this.get('snippets', { limit: 100 });
  }

  /** A page of runs; a request that is lost on its way ends as an error, so that it is asked again. */
  backtests(limit: number, offset: number): Promise<IPage<IBacktest>> {
    return this.get(
      'backtests',
      { limit, offset },
      AbortSignal.timeout(LIST_MS)
    );
  }

  backtest(id: string): Promise<IBacktest> {
    return this.get(`backtests/${encodeURIComponent(id)}`);
  }

  results(id: string): Promise<IResults> {
    return this.get(`backtests/${encodeURIComponent(id)}/results`, {
      view: true
    });
  }

  cancel(id: string): Promise<unknown> {
    return this.post(`backtests/${encodeURIComponent(id)}/cancel`, {});
  }

  /** Put completed runs side by side; the first is what the others are compared with. */
  compare(ids: readonly string[]): Promise<IComparison> {
    return this.request('backtests/compare', {
      method: 'POST',
      body: JSON.stringify({ ids: [...ids] }),
      signal: AbortSignal.timeout(COMPARE_MS)
    });
  }

  checks(strategy: string): Promise<IChecks> {
    return this.get(`strategies/code/${encodeURIComponent(strategy)}/checks`);
  }

  setChecks(strategy: string, body: IChecksUpdate): Promise<IChecks> {
    return this.change(
      'PUT',
      `strategies/code/${encodeURIComponent(strategy)}/checks`,
      { ...body }
    );
  }

  runChecks(strategy: string): Promise<{ run_id: string }> {
    return this.post(
      `strategies/code/${encodeURIComponent(strategy)}/checks/run`,
      {}
    );
  }

  cancelChecks(strategy: string, run: string): Promise<unknown> {
    return this.post(
      `strategies/code/${encodeURIComponent(strategy)}/checks/runs/${encodeURIComponent(run)}/cancel`,
      {}
    );
  }

  checkRuns(
    strategy: string,
    limit: number,
    offset: number
  ): Promise<IPage<ICheckRun>> {
    return this.get(
      `strategies/code/${encodeURIComponent(strategy)}/checks/runs`,
      { limit, offset }
    );
  }

  /** A page of jobs, newest first. */
  jobs(query: IJobQuery): Promise<IPage<IJob>> {
    return this.get('jobs', { ...query }, AbortSignal.timeout(LIST_MS));
  }

  job(id: string): Promise<IJob> {
    return this.get(`jobs/${encodeURIComponent(id)}`);
  }

  cancelJob(id: string): Promise<unknown> {
    return this.post(`jobs/${encodeURIComponent(id)}/cancel`, {});
  }

  jobLog(id: string): Promise<IJobLog> {
    return this.get(`jobs/${encodeURIComponent(id)}/log`);
  }

  system(): Promise<ISystem> {
    return this.get('system', {}, AbortSignal.timeout(LIST_MS));
  }

  /** Where the one-page report of a run is served. */
  reportUrl(id: string): string {
    return this.url(`backtests/${encodeURIComponent(id)}/report`);
  }
}

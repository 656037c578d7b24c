/** Requests to Alphintra's part of the server. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { ApiError, problemFrom } from './problem.js';
import type {
  IAcknowledged,
  ICandlesQuery,
  IDataset,
  IDatasetCandles,
  IDatasetPreview,
  IDatasetQuery,
  IDatasetStatistics,
  IDatasetVersion,
  GrantLevel,
  IGrants,
  IDownloadPlan,
  IDownloadQuery,
  IIngestBody,
  IRule,
  IRuleChoice,
  IStorageUsage,
  IUpload,
  IUploadInspection,
  IValidationReport
} from './datasets.js';
import type { IRecipeSchema } from '../recipes/schema.js';
import type {
  ICompareOutcome,
  IPreviewOutcome,
  IProcessBody,
  IProcessOutcome,
  IVersionDifference,
  RecipeStep
} from './recipes.js';
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

type Query = Record<string, string | number | boolean | undefined>;

/** How long a list may take. */
const LIST_MS = 10_000;
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
export class Client {
  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
  }

  /** The address of an endpoint, for links that the browser opens itself. */
  url(path: string): string {
    return URLExt.join(this._settings.baseUrl, 'api', path);
  }

  inspect(path: string): Promise<IInspection> {
    return this._post('strategies/code/inspect', { path });
  }

  fromFile(path: string, className: string): Promise<IStoredStrategy> {
    return this._post('strategies/code/from-file', {
      path,
      class_name: className
    });
  }

  /** The code of a strategy as a run had it. */
  strategyVersion(id: string, version: number): Promise<IStrategyVersion> {
    return this._get(`strategies/code/${encodeURIComponent(id)}/versions/${version}`);
  }

  /** Start a run; under the same key it is started once, however often it is asked for. */
  execute(id: string, body: IExecuteBody, key: string): Promise<IExecution> {
    return this._request(`strategies/code/${encodeURIComponent(id)}/execute`, {
      method: 'POST',
      headers: { 'Idempotency-Key': key },
      body: JSON.stringify(body)
    });
  }

  templates(): Promise<IPage<ITemplate>> {
    return this._get('strategies/templates', { limit: 100 });
  }

  clone(id: string): Promise<IClone> {
    return this._post(
      `strategies/templates/${encodeURIComponent(id)}/clone`,
      {}
    );
  }

  snippets(): Promise<IPage<ISnippet>> {
    return this._get('snippets', { limit: 100 });
  }

  /** A page of the catalogue, by name; whatever is left out of the query filters nothing. */
  datasets(query: IDatasetQuery = { limit: 100 }): Promise<IPage<IDataset>> {
    return this._get('datasets', { ...query }, AbortSignal.timeout(LIST_MS));
  }

  /** A dataset by id, or by name where it is the platform's or one's own. */
  dataset(id: string): Promise<IDataset> {
    return this._get(`datasets/${encodeURIComponent(id)}`);
  }

  datasetVersions(id: string): Promise<IPage<IDatasetVersion>> {
    return this._get(`datasets/${encodeURIComponent(id)}/versions`, { limit: 100 });
  }

  datasetVersion(id: string, number: number): Promise<IDatasetVersion> {
    return this._get(`datasets/${encodeURIComponent(id)}/versions/${number}`);
  }

  datasetPreview(
    id: string,
    query: { version?: number; symbol?: string; rows: number; max_points: number }
  ): Promise<IDatasetPreview> {
    return this._get(`datasets/${encodeURIComponent(id)}/preview`, query);
  }

  datasetStatistics(id: string, query: { version?: number }): Promise<IDatasetStatistics> {
    return this._get(`datasets/${encodeURIComponent(id)}/statistics`, query);
  }

  /** Candles of a part of a symbol. */
  datasetCandles(id: string, query: ICandlesQuery, signal?: AbortSignal): Promise<IDatasetCandles> {
    return this._get(`datasets/${encodeURIComponent(id)}/candles`, { ...query }, signal);
  }

  /** What a download would be; an error says why it cannot be. */
  downloadPlan(id: string, query: IDownloadQuery): Promise<IDownloadPlan> {
    return this._get(`datasets/${encodeURIComponent(id)}/download/plan`, { ...query });
  }

  /** Where the browser gets the file of a download. */
  downloadUrl(id: string, query: IDownloadQuery): string {
    return this.url(`datasets/${encodeURIComponent(id)}/download${searchOf({ ...query })}`);
  }

  /** What the rules found on a version, and what was accepted of it. */
  datasetReport(id: string, version: number): Promise<IValidationReport> {
    return this._get(`datasets/${encodeURIComponent(id)}/versions/${version}/validation`);
  }

  /** Accept errors of a version: it can be used then. */
  acknowledge(id: string, version: number, rules: readonly string[], why: string): Promise<IAcknowledged> {
    return this._post(`datasets/${encodeURIComponent(id)}/versions/${version}/acknowledge`, { rules: [...rules], why });
  }

  /** Change what is said of a dataset. */
  changeDataset(id: string, change: { description: string; tags: string[] }): Promise<IDataset> {
    return this._send('PATCH', `datasets/${encodeURIComponent(id)}`, change);
  }

  /** Delete a dataset; what of one's own was made of it has to be named, as going as well or as staying. */
  async deleteDataset(id: string, also: readonly string[], keep: readonly string[]): Promise<void> {
    const named = new URLSearchParams({ also: also.join(','), keep: keep.join(',') });
    await this.send(`datasets/${encodeURIComponent(id)}?${named.toString()}`, { method: 'DELETE' });
  }

  /** With whom a dataset of one's own is shared. */
  grants(id: string): Promise<IGrants> {
    return this._get(`datasets/${encodeURIComponent(id)}/grants`);
  }

  /** Share a dataset of one's own with a user; `null`: no more. */
  share(id: string, user: string, level: GrantLevel | null): Promise<IGrants> {
    return this._send('PUT', `datasets/${encodeURIComponent(id)}/grants`, { user_id: user, level });
  }

  /** What this user's files take, of how much. */
  storageUsage(): Promise<IStorageUsage> {
    return this._get('datasets/usage', {}, AbortSignal.timeout(LIST_MS));
  }

  /** All rules that versions are checked by. */
  validationRules(): Promise<{ rules: IRule[] }> {
    return this._get('datasets/rules');
  }

  /** Check a version again. */
  validate(id: string, version: number, choice: IRuleChoice): Promise<{ job_id: string }> {
    return this._post(`datasets/${encodeURIComponent(id)}/versions/${version}/validation`, { ...choice });
  }

  /** The steps that a recipe can have. */
  recipeSchema(): Promise<IRecipeSchema> {
    return this._get('datasets/recipes/schema');
  }

  /** Try a recipe on some rows of a version, in a job. */
  previewRecipe(id: string, version: number, recipe: readonly RecipeStep[]): Promise<{ job_id: string }> {
    return this._post(`datasets/${encodeURIComponent(id)}/process/preview`, { recipe: [...recipe], version });
  }

  recipePreview(id: string, job: string): Promise<IPreviewOutcome> {
    return this._get(`datasets/${encodeURIComponent(id)}/process/preview/${encodeURIComponent(job)}`);
  }

  /** Make a new version by a recipe, in a job; under the same key it is made once, however often it is asked for. */
  processDataset(id: string, body: IProcessBody, key: string): Promise<{ job_id: string }> {
    return this._request(`datasets/${encodeURIComponent(id)}/process`, {
      method: 'POST',
      headers: { 'Idempotency-Key': key },
      body: JSON.stringify(body)
    });
  }

  processed(id: string, job: string): Promise<IProcessOutcome> {
    return this._get(`datasets/${encodeURIComponent(id)}/process/${encodeURIComponent(job)}`);
  }

  /** Make an earlier version the current one again, unless the current one is another than was seen. */
  restoreVersion(id: string, version: number, current: number): Promise<IDatasetVersion> {
    return this._post(`datasets/${encodeURIComponent(id)}/versions/${version}/restore`, { current });
  }

  /** How two versions differ, as far as is known without reading rows. */
  versionDifference(id: string, from: number, to: number): Promise<IVersionDifference> {
    return this._get(`datasets/${encodeURIComponent(id)}/compare`, { from, to });
  }

  /** Compare two versions cell by cell, in a job. */
  compareVersions(id: string, from: number, to: number): Promise<{ job_id: string }> {
    return this._post(`datasets/${encodeURIComponent(id)}/compare`, { from, to });
  }

  versionComparison(id: string, job: string): Promise<ICompareOutcome> {
    return this._get(`datasets/${encodeURIComponent(id)}/compare/${encodeURIComponent(job)}`);
  }

  /** The newest uploads of this user. */
  uploads(limit: number): Promise<IPage<IUpload>> {
    return this._get('datasets/upload', { limit }, AbortSignal.timeout(LIST_MS));
  }

  /** What the first look at an upload found, and where the upload stands. */
  uploadInspection(id: string): Promise<IUploadInspection> {
    return this._get(`datasets/upload/${encodeURIComponent(id)}/inspection`);
  }

  /** Have an upload looked at again. */
  inspectUpload(id: string): Promise<unknown> {
    return this._post(`datasets/upload/${encodeURIComponent(id)}/inspect`, {});
  }

  ingestUpload(id: string, body: IIngestBody): Promise<{ job_id: string }> {
    return this._post(`datasets/upload/${encodeURIComponent(id)}/ingest`, { ...body });
  }

  /** A page of runs; a request that is lost on its way ends as an error, so that it is asked again. */
  backtests(limit: number, offset: number): Promise<IPage<IBacktest>> {
    return this._get(
      'backtests',
      { limit, offset },
      AbortSignal.timeout(LIST_MS)
    );
  }

  backtest(id: string): Promise<IBacktest> {
    return this._get(`backtests/${encodeURIComponent(id)}`);
  }

  results(id: string): Promise<IResults> {
    return this._get(`backtests/${encodeURIComponent(id)}/results`, {
      view: true
    });
  }

  cancel(id: string): Promise<unknown> {
    return this._post(`backtests/${encodeURIComponent(id)}/cancel`, {});
  }

  /** Put completed runs side by side; the first is what the others are compared with. */
  compare(ids: readonly string[]): Promise<IComparison> {
    return this._request('backtests/compare', {
      method: 'POST',
      body: JSON.stringify({ ids: [...ids] }),
      signal: AbortSignal.timeout(COMPARE_MS)
    });
  }

  checks(strategy: string): Promise<IChecks> {
    return this._get(`strategies/code/${encodeURIComponent(strategy)}/checks`);
  }

  setChecks(strategy: string, body: IChecksUpdate): Promise<IChecks> {
    return this._send(
      'PUT',
      `strategies/code/${encodeURIComponent(strategy)}/checks`,
      { ...body }
    );
  }

  runChecks(strategy: string): Promise<{ run_id: string }> {
    return this._post(
      `strategies/code/${encodeURIComponent(strategy)}/checks/run`,
      {}
    );
  }

  cancelChecks(strategy: string, run: string): Promise<unknown> {
    return this._post(
      `strategies/code/${encodeURIComponent(strategy)}/checks/runs/${encodeURIComponent(run)}/cancel`,
      {}
    );
  }

  checkRuns(
    strategy: string,
    limit: number,
    offset: number
  ): Promise<IPage<ICheckRun>> {
    return this._get(
      `strategies/code/${encodeURIComponent(strategy)}/checks/runs`,
      { limit, offset }
    );
  }

  /** A page of jobs, newest first. */
  jobs(query: IJobQuery): Promise<IPage<IJob>> {
    return this._get('jobs', { ...query }, AbortSignal.timeout(LIST_MS));
  }

  job(id: string): Promise<IJob> {
    return this._get(`jobs/${encodeURIComponent(id)}`);
  }

  cancelJob(id: string): Promise<unknown> {
    return this._post(`jobs/${encodeURIComponent(id)}/cancel`, {});
  }

  jobLog(id: string): Promise<IJobLog> {
    return this._get(`jobs/${encodeURIComponent(id)}/log`);
  }

  /** Resolves if the server answers at all. */
  async health(): Promise<void> {
    const response = await ServerConnection.makeRequest(
      URLExt.join(this._settings.baseUrl, 'health'),
      { cache: 'no-cache', signal: AbortSignal.timeout(LIST_MS) },
      this._settings
    );
    if (!response.ok) {
      throw new ApiError(problemFrom(response.status, response.statusText, null));
    }
  }

  system(): Promise<ISystem> {
    return this._get('system', {}, AbortSignal.timeout(LIST_MS));
  }

  /** Where the one-page report of a run is served. */
  reportUrl(id: string): string {
    return this.url(`backtests/${encodeURIComponent(id)}/report`);
  }

  private _get<T>(
    path: string,
    query: Query = {},
    signal?: AbortSignal
  ): Promise<T> {
    return this._request<T>(`${path}${searchOf(query)}`, { signal });
  }

  private _post<T>(path: string, body: Record<string, unknown>): Promise<T> {
    return this._send('POST', path, body);
  }

  private _send<T>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: Record<string, unknown>
  ): Promise<T> {
    return this._request<T>(path, {
      method,
      body: JSON.stringify(body)
    });
  }

  /**
   * Send a request whose headers matter, such as those of an upload.
   *
   * Throws an `ApiError` where there is no answer, or it is not one of success.
   */
  async send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this.url(path),
        // With Lab's own 'no-store' a time stamp is added to the query, which the
        // server refuses as an unknown field.
        { cache: 'no-cache', ...init },
        this._settings
      );
    } catch (error) {
      throw new ApiError({
        status: 0,
        title: error instanceof Error ? error.message : String(error)
      });
    }
    if (!response.ok) {
      throw new ApiError(
        problemFrom(
          response.status,
          response.statusText,
          parsed(await response.text()),
          response.headers.get('Retry-After')
        )
      );
    }
    return response;
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.send(path, init);
    return parsed(await response.text()) as T;
  }

  private _settings: ServerConnection.ISettings;
}

/** A query as an address has it, of what is not left out. */
function searchOf(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return search ? `?${search}` : '';
}

/** The JSON of an answer; of a proxy's HTML page, whose status is all there is to say, nothing. */
function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

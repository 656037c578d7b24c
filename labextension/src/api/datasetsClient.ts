/** Requests about datasets: the catalogue, uploads, versions and their reports, recipes, comparison, sharing. */

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
import { LIST_MS, Requests, searchOf } from './requests.js';
import type { IPage } from './types.js';

export class DatasetsClient extends Requests {
  /** A page of the catalogue, by name; whatever is left out of the query filters nothing. */
  datasets(query: IDatasetQuery = { limit: 100 }): Promise<IPage<IDataset>> {
    return this.get('datasets', { ...query }, AbortSignal.timeout(LIST_MS));
  }

  /** A dataset by id, or by name where it is the platform's or one's own. */
  dataset(id: string): Promise<IDataset> {
    return this.get(`datasets/${encodeURIComponent(id)}`);
  }

  datasetVersions(id: string): Promise<IPage<IDatasetVersion>> {
    return this.get(`datasets/${encodeURIComponent(id)}/versions`, { limit: 100 });
  }

  datasetVersion(id: string, number: number): Promise<IDatasetVersion> {
    return this.get(`datasets/${encodeURIComponent(id)}/versions/${number}`);
  }

  datasetPreview(
    id: string,
    query: { version?: number; symbol?: string; rows: number; max_points: number }
  ): Promise<IDatasetPreview> {
    return this.get(`datasets/${encodeURIComponent(id)}/preview`, query);
  }

  datasetStatistics(id: string, query: { version?: number; symbol?: string }): Promise<IDatasetStatistics> {
    return this.get(`datasets/${encodeURIComponent(id)}/statistics`, query);
  }

  /** Candles of a part of a symbol. */
  datasetCandles(id: string, query: ICandlesQuery, signal?: AbortSignal): Promise<IDatasetCandles> {
    return this.get(`datasets/${encodeURIComponent(id)}/candles`, { ...query }, signal);
  }

  /** What a download would be; an error says why it cannot be. */
  downloadPlan(id: string, query: IDownloadQuery): Promise<IDownloadPlan> {
    return this.get(`datasets/${encodeURIComponent(id)}/download/plan`, { ...query });
  }

  /** Rows as lines of JSON, all at once: for what there are few of. */
  async datasetLines(id: string, query: IDownloadQuery, signal?: AbortSignal): Promise<string> {
    const path = `datasets/${encodeURIComponent(id)}/download${searchOf({ ...query })}`;
    return (await this.send(path, { signal })).text();
  }

  /** Where the browser gets the file of a download. */
  downloadUrl(id: string, query: IDownloadQuery): string {
    return this.url(`datasets/${encodeURIComponent(id)}/download${searchOf({ ...query })}`);
  }

  /** What the rules found on a version, and what was accepted of it. */
  datasetReport(id: string, version: number): Promise<IValidationReport> {
    return this.get(`datasets/${encodeURIComponent(id)}/versions/${version}/validation`);
  }

  /** Accept errors of a version: it can be used then. */
  acknowledge(id: string, version: number, rules: readonly string[], why: string): Promise<IAcknowledged> {
    return this.post(`datasets/${encodeURIComponent(id)}/versions/${version}/acknowledge`, { rules: [...rules], why });
  }

  /** Change what is said of a dataset. */
  changeDataset(id: string, change: { description: string; tags: string[] }): Promise<IDataset> {
    return this.change('PATCH', `datasets/${encodeURIComponent(id)}`, change);
  }

  /** Delete a dataset; what of one's own was made of it has to be named, as going as well or as staying. */
  async deleteDataset(id: string, also: readonly string[], keep: readonly string[]): Promise<void> {
    const named = new URLSearchParams({ also: also.join(','), keep: keep.join(',') });
    await this.send(`datasets/${encodeURIComponent(id)}?${named.toString()}`, { method: 'DELETE' });
  }

  /** With whom a dataset of one's own is shared. */
  grants(id: string): Promise<IGrants> {
    return this.get(`datasets/${encodeURIComponent(id)}/grants`);
  }

  /** Share a dataset of one's own with a user; `null`: no more. */
  share(id: string, user: string, level: GrantLevel | null): Promise<IGrants> {
    return this.change('PUT', `datasets/${encodeURIComponent(id)}/grants`, { user_id: user, level });
  }

  /** What this user's files take, of how much. */
  storageUsage(): Promise<IStorageUsage> {
    return this.get('datasets/usage', {}, AbortSignal.timeout(LIST_MS));
  }

  /** All rules that versions are checked by. */
  validationRules(): Promise<{ rules: IRule[] }> {
    return this.get('datasets/rules');
  }

  /** Check a version again. */
  validate(id: string, version: number, choice: IRuleChoice): Promise<{ job_id: string }> {
    return this.post(`datasets/${encodeURIComponent(id)}/versions/${version}/validation`, { ...choice });
  }

  /** The steps that a recipe can have. */
  recipeSchema(): Promise<IRecipeSchema> {
    return this.get('datasets/recipes/schema');
  }

  /** Try a recipe on some rows of a version, in a job. */
  previewRecipe(id: string, version: number, recipe: readonly RecipeStep[]): Promise<{ job_id: string }> {
    return this.post(`datasets/${encodeURIComponent(id)}/process/preview`, { recipe: [...recipe], version });
  }

  recipePreview(id: string, job: string): Promise<IPreviewOutcome> {
    return this.get(`datasets/${encodeURIComponent(id)}/process/preview/${encodeURIComponent(job)}`);
  }

  /** Make a new version by a recipe, in a job; under the same key it is made once, however often it is asked for. */
  processDataset(id: string, body: IProcessBody, key: string): Promise<{ job_id: string }> {
    return this.request(`datasets/${encodeURIComponent(id)}/process`, {
      method: 'POST',
      headers: { 'Idempotency-Key': key },
      body: JSON.stringify(body)
    });
  }

  processed(id: string, job: string): Promise<IProcessOutcome> {
    return this.get(`datasets/${encodeURIComponent(id)}/process/${encodeURIComponent(job)}`);
  }

  /** Make an earlier version the current one again, unless the current one is another than was seen. */
  restoreVersion(id: string, version: number, current: number): Promise<IDatasetVersion> {
    return this.post(`datasets/${encodeURIComponent(id)}/versions/${version}/restore`, { current });
  }

  /** How two versions differ, as far as is known without reading rows. */
  versionDifference(id: string, from: number, to: number): Promise<IVersionDifference> {
    return this.get(`datasets/${encodeURIComponent(id)}/compare`, { from, to });
  }

  /** Compare two versions cell by cell, in a job. */
  compareVersions(id: string, from: number, to: number): Promise<{ job_id: string }> {
    return this.post(`datasets/${encodeURIComponent(id)}/compare`, { from, to });
  }

  versionComparison(id: string, job: string): Promise<ICompareOutcome> {
    return this.get(`datasets/${encodeURIComponent(id)}/compare/${encodeURIComponent(job)}`);
  }

  /** The newest uploads of this user. */
  uploads(limit: number): Promise<IPage<IUpload>> {
    return this.get('datasets/upload', { limit }, AbortSignal.timeout(LIST_MS));
  }

  /** The newest uploads of this user that wait for somebody: on their way, to be read, failed, expired. */
  openUploads(limit: number): Promise<IPage<IUpload>> {
    return this.get('datasets/upload', { limit, open: true }, AbortSignal.timeout(LIST_MS));
  }

  /** What the first look at an upload found, and where the upload stands. */
  uploadInspection(id: string): Promise<IUploadInspection> {
    return this.get(`datasets/upload/${encodeURIComponent(id)}/inspection`);
  }

  /** Have an upload looked at again. */
  inspectUpload(id: string): Promise<unknown> {
    return this.post(`datasets/upload/${encodeURIComponent(id)}/inspect`, {});
  }

  ingestUpload(id: string, body: IIngestBody): Promise<{ job_id: string }> {
    return this.post(`datasets/upload/${encodeURIComponent(id)}/ingest`, { ...body });
  }
}

/** What is shown of a version of a dataset. */

import type {
  IDataset,
  IDatasetPreview,
  IDatasetStatistics,
  IDatasetVersion,
  IUpload,
  IValidationReport
} from '../api/datasets.js';
import type { IFired } from './report.js';

export interface IShown {
  dataset: IDataset;
  versions: IDatasetVersion[];
  /** The one that is shown; `null` for what ships. */
  version: IDatasetVersion | null;
  preview: IDatasetPreview;
  statistics: IDatasetStatistics;
  /** What the rules found; of what ships `null`. */
  report: IValidationReport | null;
  fired: readonly IFired[];
  /** Uploads of this user that became versions. */
  uploads: readonly IUpload[];
}

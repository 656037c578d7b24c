/** What the server says of recipes, of going back and of comparing versions; as far as the extension reads it. */

import type { DatasetCell } from './datasets.js';

export type RecipeStep = Record<string, unknown>;

/** What one step did. */
export interface IEffect {
  /** From 1. */
  step: number;
  kind: string;
  rows_in: number;
  rows_out: number;
  rows_added: number;
  rows_removed: number;
  cells_changed: Record<string, number>;
  columns_added: string[];
  columns_removed: string[];
  notes: string[];
  /** The first changes; in a preview alone. */
  places?: IPlace[];
}

/** One change of a row or a cell. */
export interface IPlace {
  symbol: string;
  time: string;
  /** `null` where the whole row was added or removed. */
  column: string | null;
  old: DatasetCell;
  new: DatasetCell;
  change: 'added' | 'removed' | 'changed';
}

/** A step that told of later rows. */
export interface ILeak {
  step: number;
  kind: string;
  symbol: string;
  /** Rows that became known after it were changed. */
  until: string;
  /** A row that was known by then, and came out otherwise. */
  time: string | null;
  column: string | null;
}

export interface IRows {
  columns: string[];
  rows: DatasetCell[][];
}

/** Why a recipe does not fit the data. */
export interface IRefusal {
  code: string;
  step: number | null;
  /** `step 2 (normalise), window`. */
  where: string | null;
  message: string;
  hint: string | null;
}

export interface IRecipePreview {
  refused: IRefusal | null;
  /** Where it was refused, there are no rows. */
  before: IRows | null;
  after: IRows | null;
  effects: IEffect[];
  leaks: ILeak[];
  /** At how many instants it was tried whether a step tells of later rows. */
  tried: number;
}

interface IJobOutcome {
  job_id: string;
  status: string;
  error: { code?: string; message?: string; step?: number | null } | null;
}

export interface IPreviewOutcome extends IJobOutcome {
  preview: IRecipePreview | null;
}

export interface IProcessOutcome extends IJobOutcome {
  /** The dataset that has the new version; `null` until there is one. */
  dataset_id: string | null;
  dataset: string;
  number: number | null;
  version_id: string | null;
  effects: IEffect[];
}

export interface IProcessBody {
  recipe: RecipeStep[];
  version: number;
  /** A dataset of one's own; left out: the next version of the same one. */
  dataset?: string;
}

/** How two versions differ, as far as is known without reading rows. */
export interface IVersionDifference {
  equal: boolean;
  rows_from: number;
  rows_to: number;
  columns_added: string[];
  columns_removed: string[];
  symbols_added: string[];
  symbols_removed: string[];
  symbols_added_count: number;
  symbols_removed_count: number;
  /** Symbols with another number of rows, the first of them. */
  rows_differ: { symbol: string; rows_from: number; rows_to: number }[];
  rows_differ_count: number;
  /** False where times have other names or types: cells cannot be compared. */
  comparable: boolean;
}

/** How they differ, cell by cell. */
export interface ICellComparison {
  equal: boolean;
  columns_added: string[];
  columns_removed: string[];
  symbols_added_count: number;
  symbols_removed_count: number;
  rows_added: number;
  rows_removed: number;
  cells_changed: Record<string, number>;
  /** The first differences. */
  places: IPlace[];
}

export interface ICompareOutcome extends IJobOutcome {
  comparison: ICellComparison | null;
}

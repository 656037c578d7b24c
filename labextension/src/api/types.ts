/** The server's models, as far as the extension reads them. */

import type { IResultPayload } from '../result/payload.js';

export interface IPage<T> {
  items: T[];
  _pagination?: {
    limit: number;
    /** Of lists that are read by place; others go on by `next` alone. */
    offset?: number;
    total: number;
    /** Address of the next page; none on the last. */
    next?: string | null;
  };
}

export interface IDiagnostic {
  line: number | null;
  column: number | null;
  end_line?: number | null;
  end_column?: number | null;
  severity: string;
  code: string;
  message: string;
  cell?: number | null;
}

export interface IParameter {
  default: number | string | boolean | null;
  low?: number | null;
  high?: number | null;
  step?: number | null;
  description?: string | null;
}

export interface IStrategyClass {
  name: string;
  line: number | null;
  cell: number | null;
  doc: string | null;
  parameters: Record<string, IParameter>;
}

export interface IInspection {
  path: string;
  language: string;
  classes: IStrategyClass[];
  diagnostics: IDiagnostic[];
}

export interface IStoredStrategy {
  id: string;
  name: string;
  version?: number;
  created_version?: boolean;
}

/** One saved state of a strategy's code. */
export interface IStrategyVersion {
  strategy_id: string;
  version: number;
  code: string;
  /** Workspace modules that were stored with the code, by path. */
  modules: Record<string, string>;
}

export interface IExecution {
  backtest_id: string;
  job_id: string;
  status: string;
}

export interface IProgress {
  fraction: number | null;
  phase: string | null;
  bar_time: string | null;
  eta_seconds: number | null;
  /** What a method is at, such as `120 of 990 variants`. */
  text?: string | null;
}

/** Which run of a sweep or a walk-forward failed. */
export interface IFailedRun {
  parameters: Record<string, unknown>;
  /** Of a walk-forward, from 1. */
  window: number | null;
  part: 'training' | 'test' | null;
  /** The days of that part. */
  start: string | null;
  end: string | null;
}

export interface IRunError {
  code: string;
  message: string;
  file: string | null;
  line: number | null;
  cell: number | null;
  bar_time: string | null;
  traceback?: string | null;
  run?: IFailedRun | null;
}

export interface IBacktest {
  id: string;
  strategy_id: string;
  strategy_name: string | null;
  dataset_name: string | null;
  name?: string | null;
  status: string;
  phase: string | null;
  parameters?: Record<string, unknown> | null;
  methodology?: string;
  has_study?: boolean;
  progress: IProgress | number | null;
  metrics: Record<string, number | null> | null;
  sparkline: number[] | null;
  error: IRunError | null;
  created_at: string;
  updated_at?: string | null;
  /** The job that runs it. */
  job_id?: string;
  strategy_version?: number;
  class_name?: string | null;
  start_date?: string;
  end_date?: string;
  /** Amounts are texts, so that no reader rounds them; costs are a fraction or terms. */
  initial_capital?: string;
  commission?: unknown;
  slippage?: unknown;
  profile?: string;
  rules?: Record<string, unknown>;
  benchmark?: string | null;
  /** Datasets that the strategy reads beside its own, by its names for them. */
  features?: Record<string, string>;
  /** Splits and dividends that its prices went through. */
  reference?: string | null;
  seed?: number;
  risk_free_rate?: number;
}

/** What a job has used so far; `null` where it is not known, or not yet. */
export interface IUsage {
  /** From being queued to being started. */
  queue_seconds: number | null;
  /** From being started to its end, or until now. */
  run_seconds: number | null;
  cpu_seconds: number | null;
  peak_memory_bytes: number | null;
  bytes_written: number | null;
}

export type IJobError = Pick<IRunError, 'code' | 'message'> & Partial<IRunError>;

/** A unit of work that the server does outside of itself. */
export interface IJob extends IUsage {
  id: string;
  kind: string;
  /** What it works on: of a backtest or a check run, its id. */
  resource_id: string;
  name: string | null;
  status: string;
  phase: string | null;
  attempt: number;
  priority: number;
  sandbox_level: string | null;
  progress: IProgress | null;
  created_at: string;
  queued_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  /** Where and why it failed; lists have code and message alone. */
  error: IJobError | null;
  /** Its place in the queue, from 1; of one that does not wait, `null`. */
  position: number | null;
  /** The strategy whose code runs. */
  strategy_id?: string | null;
}

/** What the server's event stream says of a job. */
export interface IJobEvent extends Partial<IUsage> {
  event_id: number;
  job_id: string;
  kind: string;
  resource_id: string;
  status: string;
  phase: string | null;
  progress: IProgress | null;
  message: string | null;
  updated_at: string;
  name?: string;
  attempt?: number;
}

/** What a job's code printed: the last of the lines that left its worker. */
export interface IJobLog {
  lines: string[];
}

/** What the server says of itself, as far as it is shown. */
export interface ISystem {
  sandbox: {
    /** The level that jobs run at. */
    level: string;
    description: string;
    jobs_allowed: boolean;
    /** What each level means, best first. */
    levels?: Record<string, string>;
    /** The level that notebooks run at. */
    kernel_level?: string | null;
    /** Whether a notebook reaches the network. */
    network?: boolean | null;
  };
  jobs?: { running: number; queued: number };
  /** Whether there is the one owner alone. */
  single_user?: boolean;
}

export interface IResults {
  view?: IResultPayload;
  /** What the methodology found; of a plain run, nothing. */
  study?: unknown;
}

export interface IComparison {
  names: string[];
  study: unknown;
}

export type CheckTrigger = 'SAVE' | 'DATASET' | 'SCHEDULE' | 'MANUAL';

export interface ICheckResult {
  text: string;
  passed: boolean;
  value: number | null;
  reason: string;
}

export interface IMetricChange {
  name: string;
  before: number | null;
  after: number | null;
  difference: number | null;
}

/** One run of a strategy's checks. */
export interface ICheckRun {
  id: string;
  created_at: string;
  trigger: CheckTrigger;
  status: string;
  phase?: string | null;
  /** `null` until it has ended, or where it was stopped. */
  passed: boolean | null;
  results: ICheckResult[];
  compared_with: { id: string; created_at: string } | null;
  /** What went in differently than in the run before. */
  inputs?: { what: string; text: string }[];
  differences: {
    metrics: IMetricChange[];
    equal_fills?: number;
    first_fill: { number?: number; text: string } | null;
  } | null;
  strategy_version: number;
  dataset_name?: string;
  error?: IRunError | null;
}

/** When a strategy's checks run, on which data, and what came of the last run. */
export interface IChecks {
  /** False before they were set: then there is nothing to run. */
  configured: boolean;
  /** `null`: those that the class carries. */
  checks: string[] | null;
  dataset_id: string;
  settings: Record<string, unknown>;
  on_save: boolean;
  on_dataset: boolean;
  schedule: 'daily' | 'weekly' | null;
  at: string;
  weekday: string;
  next_due?: string | null;
  last_run: ICheckRun | null;
}

export interface IChecksUpdate {
  checks: string[] | null;
  dataset_id: string;
  settings: Record<string, unknown>;
  on_save: boolean;
  on_dataset: boolean;
  schedule: 'daily' | 'weekly' | null;
  at: string;
  weekday: string;
}

export interface ITemplate {
  id: string;
  name: string;
  description: string;
  difficulty_level: string | null;
  category: string | null;
  data: string | null;
  symbols: string[] | null;
  parameters: Record<string, unknown> | null;
  documentation: string | null;
  tags: string[] | null;
}

export interface IClone {
  path: string;
}

export interface ISnippet {
  id: string;
  title: string;
  description: string;
  prefix: string;
  code: string;
  source: 'builtin' | 'user';
}

/** What the server says of connectors: where a dataset's rows come from, and when they are fetched. */

export type ConnectorKind = 'http' | 'exchange' | 'postgresql';

export interface ISchedule {
  cron: string | null;
  time_zone: string;
  after_close: string | null;
  /** After the close. */
  minutes: number;
}

export interface ISourceError {
  code: string;
  message: string | null;
  at: string;
}

/** A connector; its secret is never shown. */
export interface IConnector {
  id: string;
  name: string;
  source: { kind: ConnectorKind } & Record<string, unknown>;
  /** Which secrets there are: `headers.Authorization`, `token`, `password`. */
  secrets: string[];
  /** Name of the dataset that it fills. */
  dataset: string;
  mapping: Record<string, unknown> | null;
  about: Record<string, unknown>;
  description: string;
  tags: string[];
  since: string | null;
  overlap_bars: number;
  schedule: ISchedule | null;
  paused: boolean;
  /** Id of the run that is under way. */
  running: string | null;
  /** In a row. */
  failures: number;
  last_row: string | null;
  last_success_at: string | null;
  next_run_at: string | null;
  last_error: ISourceError | null;
  created_at: string;
  updated_at: string;
}

export type RunState = 'FETCHING' | 'INGESTING' | 'DONE' | 'NOTHING_NEW' | 'NEEDS_MAPPING' | 'FAILED' | 'CANCELLED';

export interface IConnectorRun {
  id: string;
  connector_id: string;
  trigger: 'HAND' | 'SCHEDULE' | 'RETRY';
  state: RunState;
  /** The job that is at work, or was the last to. */
  job_id: string;
  upload_id: string | null;
  version_id: string | null;
  error: { code: string; message?: string } | null;
  created_at: string;
  ended_at: string | null;
}

/** A part of JSON Schema, as far as the server's models use it. */
export interface ISchemaPart {
  $ref?: string;
  anyOf?: ISchemaPart[];
  oneOf?: ISchemaPart[];
  type?: string;
  description?: string;
  properties?: Record<string, ISchemaPart>;
  required?: string[];
  additionalProperties?: ISchemaPart | boolean;
  items?: ISchemaPart;
  enum?: string[];
  const?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  /** Kinds of sources that have it; left out, all. */
  'x-kinds'?: string[];
}

/** The description of the interface, as far as forms are made of it. */
export interface IInterface {
  components: { schemas: Record<string, ISchemaPart> };
}

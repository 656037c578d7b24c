/** What the server says of datasets, and of uploads that become some; as far as the extension reads it. */

export type DataSource = 'PLATFORM' | 'USER_UPLOAD' | 'EXTERNAL';

/** A dataset of the catalogue. */
export interface IDataset {
  id: string;
  name: string;
  description?: string;
  source: DataSource;
  asset_class: string;
  /** In a list the first of them alone. */
  symbols: string[];
  columns: string[];
  symbol_count: number;
  timeframe: string;
  start_date: string;
  end_date: string;
  row_count: number;
  file_size: number;
  is_validated: boolean;
  /** A line for each open error: `RULE: what (how many, where)`. */
  validation_errors: string[];
  updated_at: string;
  /** False for closes only: there is nothing to fill against. */
  tradable?: boolean;
  /** Whose it is; `null`: the platform's. */
  owner: string | null;
  access: 'READ' | 'USE' | 'EDIT' | 'OWNER';
  tags: string[];
  /** Number of the current version; of what ships, `null`. */
  version: number | null;
  version_id: string | null;
  currency: string | null;
  calendar: string | null;
  license: string | null;
  notes: string[];
  time_zone: string | null;
  label: string | null;
  adjustment: string | null;
  simulated: boolean;
  /** Whether the files of the current version are encrypted. */
  sealed?: boolean;
}

/** Which datasets a list holds. */
export interface IDatasetQuery {
  search?: string;
  source?: string;
  asset_class?: string;
  timeframe?: string;
  start?: string;
  end?: string;
  limit: number;
  offset?: number;
}

/** One version: its values never change. */
export interface IDatasetVersion {
  id: string;
  dataset_id: string;
  number: number;
  /** Whether it is what the name alone means. */
  current: boolean;
  state: string;
  /** Whether its files are encrypted. */
  sealed?: boolean;
  content_hash: string;
  row_count: number;
  file_size: number;
  symbols: string[];
  symbol_count: number;
  columns: string[];
  timeframe: string;
  start_date: string;
  end_date: string;
  is_validated: boolean;
  validation_errors: string[];
  parents: { version_id: string; dataset_id: string; number: number; state: string }[];
  /** What made it: the file or the steps; `null` where nothing is known of it. */
  recipe: unknown;
  created_by: string;
  created_at: string;
}

/** Where a rule fired; what is not known, or says nothing, is `null`. */
export interface IReportPlace {
  file: string | null;
  row: number | null;
  line: number | null;
  column: string | null;
  symbol: string | null;
  time: string | null;
  message: string | null;
}

export interface IRuleResult {
  rule: string;
  severity: 'error' | 'warning' | 'info';
  status: 'checked' | 'not_checked' | 'left_out';
  /** Why it was not checked. */
  reason: string | null;
  count: number;
  /** The first places, a list for each thing that is known of any of them. */
  places: { count: number } & { [name in keyof IReportPlace]?: IReportPlace[name][] };
}

export interface IAcknowledged {
  is_validated: boolean;
  /** A line for each open error: `RULE: what (how many, where)`. */
  validation_errors: string[];
  acknowledgements: { rule: string; who: string; when: string; why: string }[];
}

/** What the rules found on a version. */
export interface IValidationReport extends IAcknowledged {
  /** What was chosen for it; of the first one nothing was. */
  parameters: Partial<IRuleChoice>;
  /** In how many places of all rows each error is; the report may be of those alone that were added last. */
  counts: Record<string, number>;
  report: { checked: string; results: IRuleResult[] } | null;
}

/** Which rules are checked, and with which numbers. */
export interface IRuleChoice {
  left_out: string[];
  parameters: Record<string, Record<string, number>>;
  /** A dataset of splits and dividends that the rules take as known. */
  reference?: string;
}

/** What one rule looks for. */
export interface IRule {
  id: string;
  /** What it looks at, such as `times`. */
  group: string;
  severity: IRuleResult['severity'];
  definition: string;
  silent: string;
  parameters: IRuleNumber[];
  /** `file`: on a stored version it stands as it was found when the file was read. */
  seen_in: 'file' | 'rows' | 'both';
}

export interface IRuleNumber {
  name: string;
  default: number;
  least: number;
  most: number;
  text: string;
  whole: boolean;
}

export type GrantLevel = 'READ' | 'USE' | 'EDIT';

/** What another user may do with a dataset. */
export interface IGrant {
  user_id: string;
  level: GrantLevel;
  granted_by: string;
  created_at: string;
  /** Whether a user of that name has ever been here. */
  seen: boolean;
}

export interface IGrants {
  grants: IGrant[];
  /** Whether there is nobody to share with: one user has the installation. */
  alone: boolean;
}

/** What this user's files take, in bytes. */
export interface IStorageUsage {
  quota: number;
  used: number;
  datasets: number;
  uploads: number;
}

/** The points of a chart. */
export interface IDatasetChart {
  symbol: string;
  /** Name of the column that `values` are of. */
  series: string | null;
  /** Seconds since the epoch. */
  time: number[];
  values: (number | null)[];
  /** Rows that there are of the symbol. */
  bars: number;
  /** Whether these are fewer. */
  thinned: boolean;
  /** Of bars, their four prices. */
  candles?: ICandles | null;
}

export interface ICandles {
  time: number[];
  open: (number | null)[];
  high: (number | null)[];
  low: (number | null)[];
  close: (number | null)[];
  volume: (number | null)[] | null;
  /** How many bars each stands for. */
  bars_each: number;
}

/** Which part of a symbol is drawn: by its rows; left out, the whole. */
export interface ICandlesQuery {
  version?: number;
  symbol: string;
  /** A column of numbers; left out, the prices. */
  column?: string;
  /** Instead of rows: the first time, and the last one, included. */
  start?: string;
  end?: string;
  first_row?: number;
  stop_row?: number;
  points: number;
}

/** A part of a symbol in a bounded number of candles, lists of one length. */
export interface IDatasetCandles {
  symbol: string;
  /** False where open, high, low and close are of one column: a line shows them. */
  bars: boolean;
  /** Rows of a candle, those at both ends may have fewer. */
  rows_each: number;
  /** Which row of the symbol the first one begins with. */
  first_row: number;
  /** Rows of the symbol. */
  total_rows: number;
  /** Seconds since the epoch. */
  time: number[];
  open: (number | null)[];
  high: (number | null)[];
  low: (number | null)[];
  close: (number | null)[];
  volume: (number | null)[] | null;
}

export type FileFormat = 'csv' | 'parquet' | 'feather' | 'jsonl' | 'xlsx';

/** Which rows, as which file. */
export interface IDownloadQuery {
  format: FileFormat;
  version?: number;
  /** A list of JSON; left out, all. */
  symbols?: string;
  start?: string;
  end?: string;
  escape_formulas?: boolean;
}

export interface IDownloadPlan {
  rows: number;
  file_name: string;
}

export type DatasetCell = string | number | boolean | null;

export interface IDatasetPreview {
  sample_data: Record<string, DatasetCell>[];
  missing_values: Record<string, number>;
  data_types: Record<string, string>;
  chart_data: IDatasetChart;
}

export interface IDatasetStatistics {
  row_count: number;
  columns: Record<string, Record<string, unknown>>;
}

/** Why nothing came of an upload, and what to do. */
export interface IUploadError {
  code?: string;
  message?: string;
  hint?: string;
}

/** A file on its way, and what becomes of it. */
export interface IUpload {
  id: string;
  filename: string;
  dataset_name: string;
  /** Bytes of the whole file, and of what is there for good. */
  length: number;
  received: number;
  state: UploadState;
  job_id: string | null;
  version_id: string | null;
  error: IUploadError | null;
  created_at: string;
}

export type UploadState =
  | 'RECEIVING'
  | 'RECEIVED'
  | 'INSPECTING'
  | 'INSPECTED'
  | 'INGESTING'
  | 'DONE'
  | 'FAILED'
  | 'ABORTED'
  | 'EXPIRED';

/** What one column of a file is. */
export interface IMappedColumn {
  position: number;
  source: string;
  role: string;
  name: string;
  format: string;
  divisor: number;
  notation: string;
  /** Of a time: whether somebody has said that this is its format. */
  stated?: boolean;
  /** The instrument whose column it is, where each has columns of its own. */
  symbol?: string;
}

/** How a file is read; fields that are not shown go back as they came. */
export interface IMapping {
  format: string;
  columns: IMappedColumn[];
  kind: 'bars' | 'ticks' | 'features' | 'reference';
  resolution: 'date' | 'time';
  zone: string | null;
  label: 'open' | 'close' | 'unknown';
  adjustment: 'raw' | 'splits' | 'splits_and_dividends' | 'unknown';
  symbol_from: 'column' | 'fixed' | 'name' | 'columns';
  symbol: string;
  /** Where the symbol is in the file's name: `{symbol}.us.txt`. */
  symbol_pattern: string;
  /** What the tables of an archive are called that are read: `Stocks/*.txt`; empty for all. */
  members: string;
  date_in_name: boolean;
  /** From when events were known of which no column says it: `ex_date`, or a date for all; empty where a column says it. */
  known_from?: string;
  dialect: { encoding: string; delimiter: string; quote: string; decimal: string; thousands: string; skip: number };
}

/** What only the user knows. */
export interface IQuestion {
  /** The field of the mapping: `zone`, `columns[2].format`. */
  field: string;
  text: string;
  choices: string[];
}

export interface IInspected {
  format: string;
  table: string;
  tables: string[];
  rows: (string | null)[][];
  /** What a typed file says of each column: `zoned` are times that name their zone. Of older looks it is not known. */
  kinds?: string[];
  /** Of each column the instrument and the field that its name says; none where instruments have no columns of their own. */
  owners?: [string, string][];
  mapping: IMapping;
  reasons: { field: string; value: string; confidence: number; reason: string }[];
  questions: IQuestion[];
  findings: { rule: string; severity: string; message: string; line?: number | null; column?: string | null }[];
  /** How such a file was read before. */
  remembered: IMapping | null;
}

export interface IUploadInspection {
  upload_id: string;
  filename: string;
  dataset_name: string;
  state: UploadState;
  job_id: string | null;
  version_id: string | null;
  error: IUploadError | null;
  inspection: IInspected | null;
}

export interface IIngestBody {
  mapping: IMapping;
  dataset: string;
  append: boolean;
  /** `null`: as the files of the dataset's current version are. */
  sealed: boolean | null;
  about: {
    asset_class: string | null;
    timeframe: string | null;
    calendar: string | null;
    currency: string | null;
    simulated: boolean;
  };
  description: string;
}

/**
 * The view payload of a result: what the Python side writes under
 * `application/vnd.alphintra.result.v1+json` and the server under `view`.
 *
 * Times are seconds since the epoch in UTC. `null` is an undefined value.
 */

export const RESULT_MIME = 'application/vnd.alphintra.result.v1+json';

/** The version of the payload that this view understands. */
export const PAYLOAD_VERSION = 1;

export type Cell = string | number | boolean | null;

export type Format =
  | 'text'
  | 'time'
  | 'price'
  | 'money'
  | 'percent'
  | 'quantity'
  | 'integer'
  | 'ratio'
  | 'duration';

/** A run that can be replayed: as a call, or by the result that the kernel holds; or why not. */
export interface IReplayed {
  strategy?: string;
  data?: string;
  options?: Record<string, unknown>;
  result?: string;
  why_not?: string;
}

export interface IHeader {
  run_id: string;
  strategy: string;
  dataset: string;
  symbols: string[];
  start: string;
  end: string;
  bars: number;
  seconds: number;
  parameters: Record<string, unknown>;
  profile: string;
  created_at: string;
  code: string;
  /** What replays the run; absent in results that were stored before there was that. */
  replay?: IReplayed;
  timezone: string;
  currency: string | null;
}

export type Level = 'error' | 'warning' | 'info';

export interface IWarning {
  level: Level;
  code: string;
  text: string;
  items: string[];
}

export interface IFigure {
  name: string;
  label: string;
  value: number | null;
  benchmark: number | null;
  format: Format;
  signed: boolean;
  note: string | null;
  definition: string;
  reason: string | null;
}

export interface IIndicator {
  name: string;
  values: (number | null)[];
  overlay: boolean;
}

/** A split: from the bar of this time on, `ratio` shares stand for each share before. */
export interface ISplit {
  time: number;
  ratio: number;
}

/** Which shares a symbol's prices are drawn in, where there was a split. */
export interface IShares {
  /** Date of the last drawn bar: its shares are those of the whole chart. */
  date: string;
  splits: ISplit[];
}

export interface ISymbolSeries {
  symbol: string;
  time: number[];
  open: number[];
  high: number[];
  low: number[];
  close: number[];
  volume: (number | null)[] | null;
  bars_per_point: number;
  indicators: IIndicator[];
  /** Absent in results that were stored before charts took splits out. */
  shares?: IShares | null;
}

export interface ICurve {
  time: number[];
  equity: (number | null)[];
  benchmark: (number | null)[] | null;
  drawdown: (number | null)[];
}

export interface IRecordedSeries {
  name: string;
  time: number[];
  values: (number | null)[];
}

export interface IMarker {
  symbol: string;
  time: number;
  side: 'BUY' | 'SELL';
  /** In the shares that the chart is drawn in. */
  price: number;
  /** As it was traded. */
  traded?: number;
  quantity: number;
  order_id: number;
  trade_ids: number[];
  reason: string | null;
}

export interface ICharts {
  symbols: ISymbolSeries[];
  curve: ICurve;
  recorded: IRecordedSeries[];
  markers: IMarker[];
  omitted: string[];
}

export interface IColumn {
  name: string;
  label: string;
  format: Format;
  signed?: boolean;
  definition?: string;
}

export interface ITable {
  columns: IColumn[];
  rows: Cell[][];
  total: number;
  omitted: string | null;
  /** Where a replay stands to show each row: `entry` and `exit` of a trade, `fill`, `order`. */
  at?: Record<string, (string | null)[]>;
}

/** The tabs, in the order in which they are shown. */
export const TABLE_NAMES = [
  'trades',
  'orders',
  'fills',
  'positions',
  'metrics',
  'recorded',
  'assumptions',
  'log'
] as const;

export type TableName = (typeof TABLE_NAMES)[number];

export interface IResultPayload {
  version: number;
  header: IHeader;
  warnings: IWarning[];
  figures: IFigure[];
  charts: ICharts;
  tables: Partial<Record<TableName, ITable>>;
}

/** Why a payload cannot be drawn, or `null` if it can. */
export type PayloadProblem = 'malformed' | 'newer';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tell whether a value from a notebook or from the server is a payload that can be drawn. */
export function problemOf(value: unknown): PayloadProblem | null {
  if (!isRecord(value) || typeof value.version !== 'number') {
    return 'malformed';
  }
  if (value.version > PAYLOAD_VERSION) {
    return 'newer';
  }
  const charts = value.charts;
  const drawable =
    isRecord(value.header) &&
    Array.isArray(value.warnings) &&
    Array.isArray(value.figures) &&
    isRecord(charts) &&
    Array.isArray(charts.symbols) &&
    isRecord(charts.curve) &&
    isRecord(value.tables);
  return drawable ? null : 'malformed';
}

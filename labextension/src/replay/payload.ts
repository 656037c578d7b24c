/** What the kernel tells of a replay: all of it once, then what each movement changed. */

/** Time in seconds since the epoch, open, high, low, close, volume; only bars that are done. */
export type Candle = [number, number, number, number, number, number | null];

export interface ILine {
  name: string;
  /** Drawn over the candles rather than below them. */
  overlay: boolean;
  /** Number of the pane below the candles, from 1; 0 over them. */
  pane: number;
  /** One value for each candle. */
  values: (number | null)[];
}

export type Side = 'BUY' | 'SELL';

export interface IFill {
  /** Of the candle that it belongs to. */
  time: number;
  side: Side;
}

export interface IAccount {
  equity: number;
  cash: number;
  drawdown: number;
  equity_spark: (number | null)[];
  drawdown_spark: (number | null)[];
}

export interface IPosition {
  symbol: string;
  size: number;
  avg_price: number;
  /** Unrealised profit as a part of what it cost. */
  pnl_pct: number | null;
}

export interface IWorkingOrder {
  symbol: string;
  side: Side;
  type: string;
  quantity: number;
  limit: number | null;
  stop: number | null;
  tif: string;
  /** What it asks for, in a line. */
  text: string;
}

export interface IVariable {
  name: string;
  text: string;
  changed: boolean;
  /** Some values may not be defined yet. */
  spark: (number | null)[];
}

export interface ILogRow {
  /** ISO 8601 in UTC; `null` before the first bar. */
  time: string | null;
  bar: number;
  symbol: string;
  /** State that the order came to, such as `FILLED`. */
  event: string;
  text: string;
  rule: string;
  reason: string;
  /** The reason in words. */
  why: string;
  /** The line that asked for the order: in a file, from the notebook's folder, or in a cell. */
  file: string | null;
  line: number | null;
  /** What stands there. */
  code: string;
}

export interface IRaised {
  text: string;
  line: number | null;
  /** Close time of the bar, ISO 8601 in UTC; `null` before the first. */
  time: string | null;
}

export interface IBranch {
  bar: number;
  time: string | null;
  text: string;
}

/** All that is known at a bar, beside the candles and lines. */
export interface IFacts {
  strategy: string;
  dataset: string;
  intraday: boolean;
  /** Those that can be drawn, and the one that is. */
  symbols: string[];
  symbol: string;
  /** Of the last bar that is done. */
  bar: number;
  /** Of the first that the strategy is called at. */
  first: number;
  count: number;
  /** Close time of the bar, ISO 8601 in UTC; `null` before the first. */
  time: string | null;
  /** Whether there is no bar to step to. */
  done: boolean;
  /** The fills so far, for the track. */
  marks: { bar: number; side: Side }[];
  /** The fills of the candles. */
  fills: IFill[];
  account: IAccount;
  positions: IPosition[];
  orders: IWorkingOrder[];
  variables: IVariable[];
  log: ILogRow[];
  /** What this run comes of; `null` where it is the backtest. */
  branch: IBranch | null;
  branches: IBranch[];
  /** What the strategy raised in the run. */
  error: IRaised | null;
  /** What the trader should know, such as that a step back runs from the start. */
  notices: string[];
  run_seconds: number;
  /** Bytes of the copies to go back to, and the most that they may take. */
  snapshot_bytes: number;
  snapshot_limit: number;
  can_debug: boolean;
}

/** The whole picture, for who opens the view and after a jump. */
export interface IScene {
  seq: number;
  candles: Candle[];
  lines: ILine[];
  facts: IFacts;
}

/** What one movement changed. */
export interface IMove {
  /** One more than that of what it follows. */
  seq: number;
  /** Candles after this time are taken away first; `null` where none is. */
  until: number | null;
  candles: Candle[];
  /** The values that each line gets, in the order of the lines. */
  values: (number | null)[][];
  /** The fills of the new candles. */
  fills: IFill[];
  facts: Partial<IFacts>;
}

export interface IBusy {
  text: string;
  bar: number;
  /** Whether the debugger has it: only there it is moved, and ended. */
  held?: boolean;
}

export interface IProblem {
  title: string;
  text: string;
  hint: string;
}

/** What goes on: for all who look at the replay. */
export interface IStatus {
  /** Who asks for bars, and how many a second. */
  play: { by: string; rate: number } | null;
  busy: IBusy | null;
  problem: IProblem | null;
}

/** What the browser asks of the kernel. */
export type Request =
  | { action: 'step' | 'back' | 'next'; bars: number }
  | { action: 'to'; when: number | string }
  | { action: 'until'; what: string }
  | { action: 'symbol'; symbol: string }
  | { action: 'play'; by: string; rate: number }
  | { action: 'pause' | 'stop' | 'dismiss' | 'scene' | 'still' }
  | { action: 'compare' | 'debug' };

/** What the kernel answers beside the picture. */
export type Answer =
  | { kind: 'still'; html: string }
  | { kind: 'comparison'; html: string };

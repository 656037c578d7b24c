/** What the kernel tells of a replay: all of it once, then what each movement changed. */

/** Time in seconds since the epoch, open, high, low, close, volume; only bars that are done. */
export type Candle = [number, number, number, number, number, number | null];

export interface ILine {
  name: string;
  /** Drawn over the candles rather than below them. */
  overlay: boolean;
  /** One value for each candle. */
  values: (number | null)[];
}

export interface IMark {
  time: number;
  side: 'BUY' | 'SELL';
  /** What happened, in words. */
  text: string;
}

/** A place on the track over all bars. */
export interface ITick {
  bar: number;
  kind: 'buy' | 'sell' | 'refusal' | 'branch';
}

export interface IAccount {
  equity: number;
  cash: number;
  drawdown: number;
  equitySpark: number[];
  drawdownSpark: number[];
}

export interface IPosition {
  symbol: string;
  quantity: number;
  price: number;
  /** Unrealised profit over the cost of the position. */
  gain: number | null;
}

export interface IWorkingOrder {
  id: number;
  symbol: string;
  side: 'BUY' | 'SELL';
  kind: string;
  quantity: string;
  price: number | null;
  timeInForce: string;
}

export interface IVariable {
  name: string;
  text: string;
  changed: boolean;
  spark: number[];
}

export interface ILogRow {
  time: number;
  bar: number | null;
  event: string;
  rule: string;
  why: string;
  line: number | null;
  level: 'info' | 'warning' | 'error';
}

/** All that is known at a bar, beside the candles. */
export interface IFacts {
  strategy: string;
  dataset: string;
  symbol: string;
  bar: number;
  count: number;
  /** Time of the bar in seconds; `null` before the first. */
  time: number | null;
  /** First and last day of the data, as ISO dates. */
  dates: [string, string];
  ticks: ITick[];
  marks: IMark[];
  account: IAccount;
  positions: IPosition[];
  orders: IWorkingOrder[];
  variables: IVariable[];
  log: ILogRow[];
  /** What the trader changed and where, in words; `null` on the original run. */
  branch: string | null;
  /** What the trader should know, such as that a step back runs from the start. */
  notices: string[];
  canDebug: boolean;
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
  facts: Partial<IFacts>;
}

export interface IBusy {
  text: string;
  bar: number;
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
  | { action: 'play'; by: string; rate: number }
  | { action: 'pause' | 'stop' | 'dismiss' | 'scene' | 'still' }
  | { action: 'compare' | 'debug' };

/** What the kernel answers beside the picture. */
export type Answer =
  | { kind: 'still'; html: string }
  | { kind: 'comparison'; html: string };

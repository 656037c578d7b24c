/** What the chart of a result shows, and whom it tells what is done to it. */

import type { ICharts } from './payload.js';
import type { ITrade } from './trades.js';

export interface IChartContent {
  charts: ICharts;
  trades: ITrade[];
  symbol: string;
  showRecorded: boolean;
  logarithmic: boolean;
}

export interface IChartHandlers {
  /** A trade under the pointer, with the pointer's place in the chart; `null` when it leaves. */
  hoverTrade(id: number | null, x: number, y: number): void;
  clickTrade(id: number): void;
  /** What a screen reader is told of the bar that the keyboard stands on. */
  announce(text: string): void;
}

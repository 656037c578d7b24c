/** What the plugins of the extension give each other. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Client } from './api/client.js';
import type { BacktestsModel } from './backtests/model.js';
import type { ISettingValues } from './settings/values.js';

/** The ground that every part stands on: server, language, settings, appearance. */
export interface IAlphintra {
  readonly client: Client;
  readonly trans: TranslationBundle;
  readonly settings: ISettingValues;
  readonly appearanceChanged: ISignal<unknown, void>;
}

export const IAlphintra = new Token<IAlphintra>(
  '@alphintra/lab:IAlphintra',
  'Client, settings and appearance of Alphintra.'
);

/** This user's runs. */
export interface IBacktests {
  readonly model: BacktestsModel;
  /** Open a run in the main area. */
  open(id: string): void;
  /** Show the panel. */
  reveal(): void;
}

export const IBacktests = new Token<IBacktests>(
  '@alphintra/lab:IBacktests',
  "This user's runs and where they are shown."
);

/** Every command of the extension. */
export namespace CommandIDs {
  export const newStrategy = 'alphintra:new-strategy';
  export const openTemplates = 'alphintra:open-templates';
  export const showBacktests = 'alphintra:show-backtests';
  export const refreshBacktests = 'alphintra:refresh-backtests';
  export const openRun = 'alphintra:open-run';
  export const compareRuns = 'alphintra:compare-runs';
  export const openChecks = 'alphintra:open-checks';
  export const backtest = 'alphintra:backtest';
  export const backtestAgain = 'alphintra:backtest-again';
  export const insertSnippet = 'alphintra:insert-snippet';
}

/** The section of launcher and palette. */
export const CATEGORY = 'Alphintra';

/** The kernel that strategies run in. */
export const KERNEL = 'alphintra';

/** What the plugins of the extension give each other. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Client } from './api/client.js';
import type { BacktestsModel } from './backtests/model.js';
import type { ActiveJobs } from './jobs/active.js';
import type { Announcer } from './jobs/announcer.js';
import type { Connection } from './jobs/connection.js';
import type { JobFeed } from './jobs/feed.js';
import type { SystemModel } from './jobs/system.js';
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

/** This user's jobs, and what is known of the server that runs them. */
export interface IJobs {
  /** The events of this tab's one stream. */
  readonly feed: JobFeed;
  readonly active: ActiveJobs;
  readonly connection: Connection;
  readonly system: SystemModel;
  readonly announcer: Announcer;
  /** Emits when whatever is shown must be read anew. */
  readonly stale: ISignal<unknown, void>;
  /** Stop a job; what goes wrong is said. */
  stop(id: string): void;
}

export const IJobs = new Token<IJobs>(
  '@alphintra/lab:IJobs',
  "This user's jobs, their events and the connection to the server."
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

/** A row of a result that was chosen, and what opens the replay at its bar. */
export interface IChoice {
  go(): void;
}

/** Standing in a run at a bar. */
export interface IReplays {
  /** The last row that was chosen in a result on the page. */
  choice: IChoice | null;
  readonly choiceChanged: ISignal<IReplays, void>;
  /** Insert code below the cell that shows `node`, or below the active one, and run it; what is wrong is said. */
  insertBelow(node: Element | null, code: string): Promise<void>;
  /** Open a run of the server in a new notebook, at a bar or at that of its error; what is wrong is said. */
  openRun(id: string, at: string | null, parameters?: Record<string, unknown>): Promise<void>;
}

export const IReplays = new Token<IReplays>(
  '@alphintra/lab:IReplays',
  'Opens the replay of a run at a bar.'
);

/** Every command of the extension. */
export namespace CommandIDs {
  export const newStrategy = 'alphintra:new-strategy';
  export const openTemplates = 'alphintra:open-templates';
  export const showBacktests = 'alphintra:show-backtests';
  export const refreshBacktests = 'alphintra:refresh-backtests';
  export const openRun = 'alphintra:open-run';
  export const compareRuns = 'alphintra:compare-runs';
  export const showDatasets = 'alphintra:show-datasets';
  export const refreshDatasets = 'alphintra:refresh-datasets';
  export const uploadDatasets = 'alphintra:upload-datasets';
  export const openUpload = 'alphintra:open-upload';
  export const openDataset = 'alphintra:open-dataset';
  export const showConnectors = 'alphintra:show-connectors';
  export const newConnector = 'alphintra:new-connector';
  export const openConnector = 'alphintra:open-connector';
  export const showVariables = 'alphintra:show-variables';
  export const refreshVariables = 'alphintra:refresh-variables';
  export const openVariable = 'alphintra:open-variable';
  export const showJobs = 'alphintra:show-jobs';
  export const showRunningJobs = 'alphintra:show-running-jobs';
  export const openJob = 'alphintra:open-job';
  export const stopJob = 'alphintra:stop-job';
  export const stopAllJobs = 'alphintra:stop-all-jobs';
  export const showSandbox = 'alphintra:show-sandbox';
  export const openChecks = 'alphintra:open-checks';
  export const backtest = 'alphintra:backtest';
  export const backtestAgain = 'alphintra:backtest-again';
  export const postMortem = 'alphintra:post-mortem';
  export const replayRun = 'alphintra:replay-run';
  export const why = 'alphintra:why';
  export const insertSnippet = 'alphintra:insert-snippet';
  export const backOneBar = 'alphintra:debug-back-one-bar';
  export const runToDate = 'alphintra:debug-run-to-date';
  export const endReplay = 'alphintra:debug-end-replay';
  export const breakpointCondition = 'alphintra:breakpoint-condition';
}

/** The section of launcher and palette. */
export const CATEGORY = 'Alphintra';

/** The kernel that strategies run in. */
export const KERNEL = 'alphintra';

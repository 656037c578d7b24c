/** The plugins of Alphintra's JupyterLab extension. */

import { backtestsPlugin } from './backtests/index.js';
import { checksPlugin } from './checks/index.js';
import { datasetsPlugin } from './datasets/index.js';
import { debugPlugin } from './debug/index.js';
import { jobsPlugin } from './jobs/index.js';
import { postMortemPlugin } from './postMortem/index.js';
import { replayPlugin } from './replay/index.js';
import { resultPlugin } from './result/index.js';
import { runPlugin } from './run/index.js';
import { settingsPlugin } from './settings/index.js';
import { snippetsPlugin } from './snippets/index.js';
import { studyPlugin } from './study/index.js';
import { templatesPlugin } from './templates/index.js';
import { variablesPlugin } from './variables/index.js';

export default [
  settingsPlugin,
  postMortemPlugin,
  resultPlugin,
  replayPlugin,
  studyPlugin,
  jobsPlugin,
  backtestsPlugin,
  checksPlugin,
  datasetsPlugin,
  variablesPlugin,
  templatesPlugin,
  runPlugin,
  snippetsPlugin,
  debugPlugin
];

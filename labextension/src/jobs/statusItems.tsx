/** What the status bar says: how many jobs run and wait, and how safely. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { jobIcon, shieldIcon } from '../icons.js';
import type { ActiveJobs } from './active.js';
import type { Connection } from './connection.js';
import type { SystemModel } from './system.js';
import { kernelSentence } from './sandbox.js';

/** The counts in words; nothing runs: that too. */
export function countsText(running: number, waiting: number, trans: TranslationBundle): string {
  if (running + waiting === 0) {
    return trans.__('no jobs');
  }
  return [
    running > 0 ? trans.__('%1 running', running) : null,
    waiting > 0 ? trans.__('%1 waiting', waiting) : null
  ]
    .filter(Boolean)
    .join(', ');
}

interface IJobsOptions {
  active: ActiveJobs;
  connection: Connection;
  trans: TranslationBundle;
  onClick: () => void;
}

/** Running and waiting jobs; a click shows them. */
export class JobsStatus extends ReactWidget {
  constructor(private readonly _options: IJobsOptions) {
    super();
    this.id = 'alphintra-status-jobs';
    this.addClass('alphintra-Status');
    const update = (): void => this.update();
    _options.active.changed.connect(update, this);
    _options.connection.changed.connect(update, this);
  }

  protected override render(): JSX.Element {
    const { active, connection, trans, onClick } = this._options;
    const { running, waiting } = active;
    const away = !connection.isUp;
    const text = away
      ? trans.__('server does not answer')
      : active.isReady
        ? countsText(running, waiting, trans)
        : '\u2026';
    const title = away
      ? trans.__('The server does not answer. It is asked again; what is shown may be old.')
      : running + waiting > 0
        ? trans.__('Jobs: %1. Click to see and stop them.', text)
        : trans.__('No job runs or waits. Click for the list of all jobs.');
    return (
      <button
        type="button"
        className={`alphintra-Status-button${away ? ' alphintra-mod-bad' : ''}`}
        data-running={running}
        data-waiting={waiting}
        data-up={connection.isUp}
        title={title}
        onClick={onClick}
      >
        <jobIcon.react tag="span" stylesheet="statusBar" aria-hidden="true" />
        <span>{text}</span>
      </button>
    );
  }
}

interface ISandboxOptions {
  system: SystemModel;
  trans: TranslationBundle;
  onClick: () => void;
}

/** How well jobs are kept from the machine; a click says more. */
export class SandboxStatus extends ReactWidget {
  constructor(private readonly _options: ISandboxOptions) {
    super();
    this.id = 'alphintra-status-sandbox';
    this.addClass('alphintra-Status');
    _options.system.changed.connect(() => this.update(), this);
  }

  protected override render(): JSX.Element {
    const { system, trans, onClick } = this._options;
    const sandbox = system.value?.sandbox;
    const none = sandbox?.level === 'none';
    const text =
      sandbox === undefined
        ? '\u2026'
        : none
          ? trans.__('not sandboxed')
          : trans.__('sandbox: %1', sandbox.level);
    const title =
      sandbox === undefined
        ? trans.__('How jobs are kept from the machine is not known yet.')
        : [
            trans.__('Jobs: %1. %2', sandbox.level, sandbox.description),
            kernelSentence(sandbox, trans)
          ]
            .filter(Boolean)
            .join('\n');
    return (
      <button
        type="button"
        className={`alphintra-Status-button${none ? ' alphintra-mod-bad' : ''}`}
        data-level={sandbox?.level ?? ''}
        title={title}
        aria-haspopup="dialog"
        onClick={onClick}
      >
        <shieldIcon.react tag="span" stylesheet="statusBar" aria-hidden="true" />
        <span>{text}</span>
      </button>
    );
  }
}

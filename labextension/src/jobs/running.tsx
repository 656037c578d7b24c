/** Jobs as a section of Lab's Running panel: name, state, how far, time left, and a button that stops each. */

import type { IRunningSessions } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon, stopIcon, tableRowsIcon, ToolbarButton } from '@jupyterlab/ui-components';
import { ISignal, Signal } from '@lumino/signaling';
import React from 'react';

import type { IJob } from '../api/types.js';
import { jobIcon } from '../icons.js';
import type { ActiveJobs } from './active.js';
import { fractionOf, stateOf } from './state.js';
import {
  briefParts,
  doingParts,
  kindText,
  leftText,
  nameOf,
  shortName,
  stopAllText
} from './words.js';

interface IOptions {
  active: ActiveJobs;
  trans: TranslationBundle;
  onOpen: (job: IJob) => void;
  onStop: (job: IJob) => void;
  onStopAll: () => void;
  onShowAll: () => void;
}

/**
 * Name, how far it is, and a bar, on two lines. Lab's search reads labels by walking through `children`, which it
 * takes for arrays: hence the empty strings.
 */
function label(job: IJob, trans: TranslationBundle): React.ReactNode {
  const fraction = stateOf(job) === 'waiting' ? 0 : fractionOf(job.progress);
  const brief = [...briefParts(job, trans), leftText(job, trans)].filter(Boolean).join(' \u00b7 ');
  return (
    <span className="alphintra-RunningJob-label">
      <span className="alphintra-RunningJob-name">
        {shortName(job, trans)}
        {''}
      </span>
      <span className="alphintra-RunningJob-doing">
        {brief}
        {''}
      </span>
      <i
        className={`alphintra-RunningJob-bar${fraction === null ? ' alphintra-mod-unknown' : ''}`}
        style={{ '--alphintra-share': fraction ?? 0 } as React.CSSProperties}
      >
        {''}
        {''}
      </i>
    </span>
  );
}

class JobItem implements IRunningSessions.IRunningItem {
  constructor(
    private readonly _job: IJob,
    private readonly _options: IOptions
  ) {
    const state = stateOf(_job);
    this.className = `alphintra-RunningJob alphintra-mod-${state}`;
    this.context = _job.id;
    if (state !== 'stopping') {
      this.shutdown = () => this._options.onStop(this._job);
    }
  }

  readonly className: string;
  readonly context: string;
  readonly shutdown?: () => void;

  open(): void {
    this._options.onOpen(this._job);
  }

  icon(): LabIcon {
    return jobIcon;
  }

  label(): React.ReactNode {
    return label(this._job, this._options.trans);
  }

  labelTitle(): string {
    const { trans } = this._options;
    return [
      nameOf(this._job, trans),
      kindText(this._job.kind, trans),
      ...doingParts(this._job, trans),
      leftText(this._job, trans)
    ]
      .filter(Boolean)
      .join('\n');
  }
}

export class RunningJobs implements IRunningSessions.IManager {
  constructor(private readonly _options: IOptions) {
    const { trans } = _options;
    this.name = trans.__('Jobs');
    this.shutdownLabel = trans.__('Stop');
    this.shutdownAllLabel = trans.__('Stop All');
    this.shutdownItemIcon = stopIcon;
    this.toolbarButtons = [
      new ToolbarButton({
        icon: tableRowsIcon,
        tooltip: trans.__('Show all jobs'),
        onClick: _options.onShowAll
      })
    ];
    this.toolbarButtons[0]!.id = 'alphintra-all-jobs';
    _options.active.changed.connect(() => this._changed.emit());
  }

  readonly name: string;
  readonly shutdownLabel: string;
  readonly shutdownAllLabel: string;
  readonly shutdownItemIcon: LabIcon;
  readonly supportsMultipleViews = false;
  readonly toolbarButtons: ToolbarButton[];

  get runningChanged(): ISignal<this, void> {
    return this._changed;
  }

  running(): JobItem[] {
    return this._options.active.items.map(job => new JobItem(job, this._options));
  }

  refreshRunning(): void {
    void this._options.active.refresh();
  }

  shutdownAll(): void {
    this._options.onStopAll();
  }

  shutdownAllConfirmationText(): string {
    const { active, trans } = this._options;
    return stopAllText(active.items.length, trans);
  }

  private readonly _changed = new Signal<this, void>(this);
}

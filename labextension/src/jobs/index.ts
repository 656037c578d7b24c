/** The plugin of jobs: Running panel, status bar, the document of all jobs, and a word when one has ended. */

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  MainAreaWidget,
  Notification,
  WidgetTracker,
  showDialog
} from '@jupyterlab/apputils';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { IStatusBar, showPopup } from '@jupyterlab/statusbar';
import { Signal } from '@lumino/signaling';

import { describe } from '../api/problem.js';
import type { IJob } from '../api/types.js';
import { jobIcon, shieldIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra, IJobs } from '../tokens.js';
import { ActiveJobs } from './active.js';
import { Announcer, IAnnouncement } from './announcer.js';
import { Connection } from './connection.js';
import { JobsDocument } from './document.js';
import { JobFeed } from './feed.js';
import { follow } from './follow.js';
import { JobList } from './list.js';
import { RunningJobs } from './running.js';
import { SandboxExplanation } from './sandbox.js';
import { isFinished } from './state.js';
import { JobsStatus, SandboxStatus } from './statusItems.js';
import { SystemModel } from './system.js';
import { stopAllText } from './words.js';

/** Lab's own command, if the panel is there. */
const SHOW_RUNNING = 'running:show-panel';

export const jobsPlugin: JupyterFrontEndPlugin<IJobs> = {
  id: '@alphintra/lab:jobs',
  description: 'Shows what the server runs, how far it is and what it has used, and stops it.',
  autoStart: true,
  requires: [IAlphintra],
  optional: [ICommandPalette, ILayoutRestorer, IRunningSessionManagers, IStatusBar],
  provides: IJobs,
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    running: IRunningSessionManagers | null,
    statusBar: IStatusBar | null
  ): IJobs => {
    const { commands, shell } = app;
    const { client, trans } = alphintra;
    const connection = new Connection({ probe: () => client.health() });
    const suspect = (): void => void connection.suspect();
    const feed = new JobFeed();
    const active = new ActiveJobs({ source: client, onFailure: suspect });
    const system = new SystemModel(client, suspect);
    const list = new JobList(client);
    const announcer = new Announcer(announcing());
    const stale = new Signal<object, void>({});

    /** What opens a job where its own matter is shown; `null` where there is no such place. */
    function opener(job: IJob): (() => void) | null {
      if (job.kind === 'backtest') {
        return () => void commands.execute(CommandIDs.openRun, { id: job.resource_id });
      }
      if (job.kind === 'check' && job.strategy_id) {
        const { strategy_id: strategy, name } = job;
        return () => void commands.execute(CommandIDs.openChecks, { strategy, name });
      }
      if (job.kind === 'inspect' || job.kind === 'ingest') {
        return () => void commands.execute(CommandIDs.openUpload, { id: job.resource_id });
      }
      return null;
    }
    const openDocument = (job: IJob): void =>
      (opener(job) ?? (() => void commands.execute(CommandIDs.openJob, { id: job.id })))();

    function announcing(): ConstructorParameters<typeof Announcer>[0] {
      const options = (what: IAnnouncement): Notification.IOptions<null> => {
        const { opens } = what;
        return {
          autoClose: what.autoClose,
          actions: [
            opens
              ? { label: trans.__('Open'), callback: () => openDocument(opens) }
              : {
                  label: trans.__('Show jobs'),
                  callback: () => void commands.execute(CommandIDs.showJobs)
                }
          ]
        };
      };
      return {
        trans,
        show: what => Notification.emit(what.message, what.type, options(what)),
        replace: (id, what) =>
          Notification.update({ id, message: what.message, type: what.type, ...options(what) })
      };
    }

    const stop = (id: string): void => {
      active.cancel(id).catch((reason: unknown) => {
        Notification.error(trans.__('The job could not be stopped. %1', describe(reason).text));
      });
    };
    const stopAll = async (): Promise<void> => {
      const failures = await active.cancelAll();
      if (failures.length > 0) {
        Notification.error(
          trans.__(
            '%1 of the jobs could not be stopped. %2',
            failures.length,
            describe(failures[0]).text
          )
        );
      }
    };
    const confirmStopAll = async (): Promise<void> => {
      const count = active.items.length;
      if (count === 0) {
        return;
      }
      const answer = await showDialog({
        title: trans.__('Stop all jobs?'),
        body: stopAllText(count, trans),
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Stop all') })
        ]
      });
      if (answer.button.accept) {
        await stopAll();
      }
    };

    const tracker = new WidgetTracker<MainAreaWidget<JobsDocument>>({
      namespace: 'alphintra-jobs'
    });
    const showJobs = (): MainAreaWidget<JobsDocument> => {
      let widget = tracker.find(() => true);
      if (!widget) {
        const content = new JobsDocument({
          list,
          active,
          system,
          connection,
          trans,
          readLog: id => client.jobLog(id),
          readJob: id => client.job(id),
          opener,
          debugger: job =>
            job.kind === 'backtest' && commands.hasCommand(CommandIDs.replayRun)
              ? () => void commands.execute(CommandIDs.replayRun, { id: job.resource_id })
              : null,
          onStop: job => stop(job.id),
          onStopAll: () => void confirmStopAll(),
          onBrowse: () => void commands.execute(CommandIDs.openTemplates)
        });
        widget = new MainAreaWidget({ content });
        widget.id = 'alphintra-jobs';
        widget.title.label = trans.__('Jobs');
        widget.title.caption = trans.__('All jobs: what runs, waits and ended');
        widget.title.icon = jobIcon;
        widget.title.closable = true;
        shell.add(widget, 'main', { type: 'Jobs' });
        void tracker.add(widget);
      }
      shell.activateById(widget.id);
      return widget;
    };
    const showRunning = async (): Promise<void> => {
      if (running !== null && commands.hasCommand(SHOW_RUNNING)) {
        await commands.execute(SHOW_RUNNING);
      } else {
        showJobs();
      }
    };

    running?.add(
      new RunningJobs({
        active,
        trans,
        onOpen: openDocument,
        onStop: job => stop(job.id),
        onStopAll: () => void stopAll(),
        onShowAll: () => void showJobs()
      })
    );

    let sandboxItem: SandboxStatus | null = null;
    const showSandbox = async (): Promise<void> => {
      const body = new SandboxExplanation(system, trans);
      if (sandboxItem?.isVisible) {
        showPopup({ body, anchor: sandboxItem, align: 'left', hasDynamicSize: true });
        body.node.focus();
      } else {
        await showDialog({
          title: trans.__('Sandbox'),
          body,
          buttons: [Dialog.okButton({ label: trans.__('Close') })]
        });
      }
    };
    if (statusBar) {
      const counts = new JobsStatus({
        active,
        connection,
        trans,
        onClick: () => void (active.items.length > 0 ? showRunning() : showJobs())
      });
      sandboxItem = new SandboxStatus({ system, trans, onClick: () => void showSandbox() });
      statusBar.registerStatusItem(counts.id, { item: counts, align: 'left', rank: 10 });
      statusBar.registerStatusItem(sandboxItem.id, { item: sandboxItem, align: 'left', rank: 11 });
    }

    commands.addCommand(CommandIDs.showJobs, {
      label: trans.__('Show Jobs'),
      icon: jobIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => showJobs()
    });
    commands.addCommand(CommandIDs.showRunningJobs, {
      label: trans.__('Show Running Jobs'),
      icon: jobIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => showRunning()
    });
    commands.addCommand(CommandIDs.openJob, {
      label: trans.__('Open a Job'),
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string', description: 'Id of the job' } },
          required: ['id']
        }
      },
      execute: args => {
        if (typeof args.id !== 'string' || args.id === '') {
          throw new Error('The command needs the id of a job.');
        }
        const widget = showJobs();
        widget.content.selected = args.id;
        return widget;
      }
    });
    /** The active job that the document in front is about. */
    const current = (): IJob | undefined => {
      const content = shell.currentWidget instanceof MainAreaWidget ? shell.currentWidget.content : null;
      if (content instanceof JobsDocument) {
        return active.find(content.selected);
      }
      const run = (content as { runId?: unknown } | null)?.runId;
      return typeof run === 'string' ? active.findFor(run) : undefined;
    };
    commands.addCommand(CommandIDs.stopJob, {
      label: trans.__('Stop the Job of This Document'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => current() !== undefined,
      execute: () => {
        const job = current();
        if (job && !isFinished(job)) {
          stop(job.id);
        }
      }
    });
    commands.addCommand(CommandIDs.stopAllJobs, {
      label: trans.__('Stop All Jobs'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => active.items.length > 0,
      execute: () => confirmStopAll()
    });
    commands.addCommand(CommandIDs.showSandbox, {
      label: trans.__('Show Sandbox'),
      icon: shieldIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => showSandbox()
    });
    for (const command of [
      CommandIDs.showJobs,
      CommandIDs.showRunningJobs,
      CommandIDs.stopJob,
      CommandIDs.stopAllJobs,
      CommandIDs.showSandbox
    ]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    let count = 0;
    active.changed.connect(() => {
      // Commands are redrawn for it, and progress comes several times a second.
      if (active.items.length !== count) {
        count = active.items.length;
        commands.notifyCommandChanged(CommandIDs.stopAllJobs);
        commands.notifyCommandChanged(CommandIDs.stopJob);
      }
    });
    shell.currentChanged?.connect(() => commands.notifyCommandChanged(CommandIDs.stopJob));
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.showJobs,
        name: () => 'jobs'
      });
    }

    active.ended.connect((_, job) => {
      list.put(job);
      announcer.ended(job);
    });
    feed.received.connect((_, event) => {
      // The list first: it reads anew what it takes to be at its end only now.
      if (tracker.size > 0) {
        list.apply(event);
      }
      active.apply(event);
    });
    stale.connect(() => {
      void active.refresh();
      if (tracker.size > 0) {
        list.readSoon();
      }
    });
    follow({ app, feed, connection, system, isActive: () => active.items.length > 0, stale });
    return { feed, active, connection, system, announcer, stale, stop };
  }
};

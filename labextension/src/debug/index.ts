/** The plugin of the debugger: back one bar, on to a date, conditions of breakpoints. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, Notification } from '@jupyterlab/apputils';
import { IDebugger, IDebuggerSidebar, IDebuggerSources } from '@jupyterlab/debugger';
import { IEditorTracker } from '@jupyterlab/fileeditor';
import { stopIcon } from '@jupyterlab/ui-components';
import type { Panel } from '@lumino/widgets';

import { describe } from '../api/problem.js';
import { backIcon, toDateIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra } from '../tokens.js';
import { type Breakpoint, breakpointOf, showConditions } from './conditions.js';
import { DebuggedFiles } from './files.js';
import { Market, ask } from './market.js';
import { Standing } from './standing.js';

/** How long a notification is shown; without a time it would only be counted. */
const SHOWN = { autoClose: 8000 };

export const debugPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:debug',
  description: "Moves JupyterLab's debugger through market time.",
  autoStart: true,
  requires: [IAlphintra, IDebugger],
  optional: [ICommandPalette, IDebuggerSidebar, IEditorTracker, IDebuggerSources],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    service: IDebugger,
    palette: ICommandPalette | null,
    sidebar: IDebugger.ISidebar | null,
    editors: IEditorTracker | null,
    sources: IDebugger.ISources | null
  ): void => {
    const { commands } = app;
    const { trans } = alphintra;
    const market = new Market(service);
    if (editors && sources) {
      new DebuggedFiles(app, service, editors, sources);
    }

    /** Ask; what is refused is said. */
    const send = async (command: string, args: object): Promise<boolean> => {
      const session = service.session;
      if (!session) {
        return false;
      }
      try {
        const answer = await ask(session, command, args);
        if (!answer.success) {
          Notification.error(answer.message ?? trans.__('The debugger refused.'), SHOWN);
        }
        return answer.success;
      } catch (reason) {
        Notification.error(describe(reason).text, SHOWN);
        return false;
      }
    };

    commands.addCommand(CommandIDs.backOneBar, {
      label: trans.__('Back One Bar'),
      caption: trans.__('Back one bar: the strategy is as it was then'),
      icon: backIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => market.paused && (market.now.bar ?? 0) > (market.now.first ?? 0),
      execute: () => send('stepBack', { threadId: 1 })
    });
    commands.addCommand(CommandIDs.runToDate, {
      label: trans.__('Run to Date…'),
      caption: trans.__('Run to a date, without stopping on the way'),
      icon: toDateIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: { time: { type: 'string', description: 'Date or time' } }
        }
      },
      isEnabled: () => market.paused,
      execute: async args => {
        let time = typeof args.time === 'string' ? args.time : null;
        if (time === null) {
          const asked = await InputDialog.getText({
            title: trans.__('Run to date'),
            label: trans.__('Date (2012-08-01) or time (2012-08-01 15:30, UTC)'),
            text: market.now.time?.slice(0, 10) ?? '',
            okLabel: trans.__('Run')
          });
          time = asked.button.accept ? (asked.value ?? '').trim() : '';
        }
        return time !== '' && (await send('alphintra/runTo', { time }));
      }
    });
    commands.addCommand(CommandIDs.endReplay, {
      label: trans.__('End the Replay'),
      caption: trans.__('End the replay after this bar'),
      icon: stopIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => market.paused,
      execute: () => send('alphintra/stop', {})
    });
    commands.addCommand(CommandIDs.breakpointCondition, {
      label: trans.__('Condition…'),
      caption: trans.__('Stop only where an expression is true'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () =>
        service.isStarted && service.session?.connection?.kernel?.name === 'alphintra',
      execute: async () => {
        const row = app.contextMenuHitTest(node =>
          node.classList.contains('jp-DebuggerBreakpoint')
        );
        const chosen = breakpointOf(service, row);
        const path = chosen?.source?.path;
        if (!chosen || !path || chosen.line === undefined) {
          Notification.info(trans.__('Choose a breakpoint in the debugger first.'), SHOWN);
          return;
        }
        const asked = await InputDialog.getText({
          title: trans.__('Condition of the breakpoint on line %1', chosen.line),
          label: trans.__('Python over what the line sees, such as self.equity < 90_000'),
          text: chosen.condition ?? '',
          okLabel: trans.__('Set')
        });
        if (!asked.button.accept) {
          return;
        }
        const condition = (asked.value ?? '').trim();
        if (await send('alphintra/condition', { path, line: chosen.line, condition })) {
          const { breakpoints } = service.model;
          breakpoints.setBreakpoints(
            path,
            breakpoints.getBreakpoints(path).map(one => {
              if (one.line !== chosen.line) {
                return one;
              }
              const changed: Breakpoint = { ...one };
              delete changed.condition;
              return condition ? { ...changed, condition } : changed;
            })
          );
          Notification.success(
            condition
              ? trans.__('Stops on line %1 where %2', chosen.line, condition)
              : trans.__('Stops on line %1 at every bar', chosen.line),
            SHOWN
          );
        }
      }
    });

    const buttons = [CommandIDs.backOneBar, CommandIDs.runToDate, CommandIDs.endReplay];
    const said = new Standing(commands, buttons);
    const panels = sidebar as { callstack?: Panel; breakpoints?: Panel } | null;
    panels?.callstack?.insertWidget(0, said);
    if (panels?.breakpoints) {
      showConditions(service, panels.breakpoints.node);
    }
    for (const command of [...buttons, CommandIDs.breakpointCondition]) {
      palette?.addItem({ command, category: CATEGORY });
    }

    market.changed.connect((_, now) => {
      said.say(now);
      commands.notifyCommandChanged();
      if (now.error) {
        Notification.warning(now.error, SHOWN);
      }
    });
    // Say once where a breakpoint was put that had no code to stop at.
    service.model.breakpoints.changed.connect((_, breakpoints) => {
      for (const one of breakpoints) {
        if (one.message) {
          Notification.info(trans.__('Breakpoint: %1', one.message), SHOWN);
          delete one.message;
        }
      }
    });
  }
};

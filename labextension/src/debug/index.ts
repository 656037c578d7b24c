/** The plugin of the debugger: back one bar, on to a date, conditions of breakpoints. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, Notification } from '@jupyterlab/apputils';
import { IDebugger, IDebuggerSidebar } from '@jupyterlab/debugger';
import { CommandToolbarButton, Toolbar, stopIcon } from '@jupyterlab/ui-components';
import type { PanelWithToolbar } from '@jupyterlab/ui-components';

import { describe } from '../api/problem.js';
import { backIcon, toDateIcon } from '../icons.js';
import { CATEGORY, CommandIDs, IAlphintra } from '../tokens.js';
import { Market, ask } from './market.js';
import { Standing } from './standing.js';
import { complaint } from './words.js';

/** A breakpoint as Alphintra's kernel describes it. */
type Breakpoint = IDebugger.IBreakpoint & { condition?: string; hitCondition?: string };

/** The breakpoint of a row in the debugger's list. */
function breakpointOf(service: IDebugger, row: HTMLElement | undefined): Breakpoint | null {
  const { breakpoints } = service.model;
  if (!row) {
    return (breakpoints.selectedBreakpoint as Breakpoint | null | undefined) ?? null;
  }
  const line = Number(row.querySelector('.jp-DebuggerBreakpoint-line')?.textContent);
  const found = breakpoints.getBreakpoints(row.title).find(one => one.line === line);
  return (found as Breakpoint | undefined) ?? null;
}

export const debugPlugin: JupyterFrontEndPlugin<void> = {
  id: '@alphintra/lab:debug',
  description: "Moves JupyterLab's debugger through market time.",
  autoStart: true,
  requires: [IAlphintra, IDebugger],
  optional: [ICommandPalette, IDebuggerSidebar],
  activate: (
    app: JupyterFrontEnd,
    alphintra: IAlphintra,
    service: IDebugger,
    palette: ICommandPalette | null,
    sidebar: IDebugger.ISidebar | null
  ): void => {
    const { commands } = app;
    const { trans } = alphintra;
    const market = new Market(service);

    /** Ask; what is refused is said. */
    const send = async (command: string, args: object): Promise<boolean> => {
      const session = service.session;
      if (!session) {
        return false;
      }
      try {
        const answer = await ask(session, command, args);
        if (!answer.success) {
          Notification.error(answer.message ?? trans.__('The debugger refused.'));
        }
        return answer.success;
      } catch (reason) {
        Notification.error(describe(reason).text);
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
          Notification.info(trans.__('Choose a breakpoint in the debugger first.'));
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
            { autoClose: 4000 }
          );
        }
      }
    });

    const callstack = (sidebar as { callstack?: PanelWithToolbar } | null)?.callstack;
    const toolbar = callstack?.toolbar as Toolbar | undefined;
    const said = new Standing();
    callstack?.insertWidget(0, said);
    const buttons = [CommandIDs.backOneBar, CommandIDs.runToDate, CommandIDs.endReplay];
    for (const id of [...buttons].reverse()) {
      toolbar?.insertAfter(
        'step-out',
        id,
        new CommandToolbarButton({ commands, id, label: '' })
      );
    }
    for (const command of [...buttons, CommandIDs.breakpointCondition]) {
      palette?.addItem({ command, category: CATEGORY });
    }

    market.changed.connect((_, now) => {
      said.say(now);
      commands.notifyCommandChanged();
      if (now.error) {
        Notification.warning(trans.__('The condition raised %1', complaint(now.error)), {
          autoClose: 15000
        });
      }
    });
    // Say once where a breakpoint was put that had no code to stop at.
    service.model.breakpoints.changed.connect((_, breakpoints) => {
      for (const one of breakpoints) {
        if (one.message) {
          Notification.info(trans.__('Breakpoint: %1', one.message), { autoClose: 8000 });
          delete one.message;
        }
      }
    });
  }
};

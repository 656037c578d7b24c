/** Conditions of breakpoints: read from the debugger's model, and written into its list. */

import type { IDebugger } from '@jupyterlab/debugger';

/** A breakpoint as Alphintra's kernel describes it. */
export type Breakpoint = IDebugger.IBreakpoint & { condition?: string; hitCondition?: string };

/** The breakpoint of a row in the debugger's list; without a row the one that is selected. */
export function breakpointOf(service: IDebugger, row: HTMLElement | undefined): Breakpoint | null {
  const { breakpoints } = service.model;
  if (!row) {
    return (breakpoints.selectedBreakpoint as Breakpoint | null | undefined) ?? null;
  }
  const line = Number(row.querySelector('.jp-DebuggerBreakpoint-line')?.textContent);
  const found = breakpoints.getBreakpoints(row.title).find(one => one.line === line);
  return (found as Breakpoint | undefined) ?? null;
}

/** Has each row of the list name the condition of its breakpoint: Lab's own list has no place for it. */
export function showConditions(service: IDebugger, list: HTMLElement): void {
  const mark = (): void => {
    for (const row of list.querySelectorAll<HTMLElement>('.jp-DebuggerBreakpoint')) {
      const found = breakpointOf(service, row);
      const hits = found?.hitCondition;
      const text = [found?.condition, hits && `hits ${hits}`].filter(Boolean).join(', ');
      if (text) {
        row.dataset.alphintraCondition = text;
      } else {
        delete row.dataset.alphintraCondition;
      }
    }
  };
  // After each time that Lab has drawn them; what is observed here does not change by marking.
  new MutationObserver(mark).observe(list, { childList: true, characterData: true, subtree: true });
  service.model.breakpoints.changed.connect(() => requestAnimationFrame(mark));
  service.model.breakpoints.restored.connect(() => requestAnimationFrame(mark));
}

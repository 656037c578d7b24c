/** The words and figures of the Variables panel. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { THIN, fixed } from '../result/format.js';
import type { ILoss } from './model.js';
import type { Group, IListing, IVariable } from './payload.js';

/** Bytes in thousands, as everywhere: `157 kB`, `1.2 MB`. */
export function bytesText(bytes: number): string {
  for (const [scale, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB']
  ] as const) {
    // What would be rounded to a thousand of a unit is one of the next.
    if (bytes >= scale * 0.9995) {
      return `${fixed(bytes / scale, bytes / scale < 9.95 ? 1 : 0)}${THIN}${unit}`;
    }
  }
  return `${fixed(bytes, 0)}${THIN}B`;
}

/** Size and memory of an object, as far as it has them. */
export function sizeText(variable: IVariable): string {
  return [variable.size, variable.bytes === null ? '' : bytesText(variable.bytes)]
    .filter(Boolean)
    .join(' \u00b7 ');
}

export function groupText(group: Group, trans: TranslationBundle): string {
  return {
    result: trans.__('Results'),
    study: trans.__('Sweeps and studies'),
    replay: trans.__('Replays, positions, orders'),
    strategy: trans.__('Strategies'),
    data: trans.__('Market data'),
    model: trans.__('Models'),
    table: trans.__('Tables and arrays'),
    job: trans.__('Jobs')
  }[group];
}

/** A list with its groups as headings. */
export function inGroups(
  variables: readonly IVariable[]
): { group: Group; variables: IVariable[] }[] {
  const found = new Map<Group, IVariable[]>();
  for (const variable of variables) {
    const group = found.get(variable.group);
    if (group) {
      group.push(variable);
    } else {
      found.set(variable.group, [variable]);
    }
  }
  return [...found].map(([group, members]) => ({ group, variables: members }));
}

/** What the list leaves out, in sentences; empty where nothing. */
export function leftOut(listing: IListing, trans: TranslationBundle): string {
  const { variables, total, others } = listing;
  const parts = [];
  if (total > variables.length) {
    parts.push(
      trans.__('The first %1 of %2; filter to see others.', fixed(variables.length, 0), fixed(total, 0))
    );
  }
  if (others > 0) {
    parts.push(
      trans._n(
        '%2 other variable (a number, a text, a function) is not listed.',
        '%2 other variables (numbers, texts, functions) are not listed.',
        others,
        fixed(others, 0)
      )
    );
  }
  return parts.join(' ');
}

/** That a kernel has ended by itself, what went with it, and what can be done. */
export function lossText(loss: ILoss, trans: TranslationBundle): string {
  return trans._n(
    'The kernel ended by itself at %2 and was started anew: the object listed here went with it. It was killed, crashed, or had too little memory. Run the cells again to have it back.',
    'The kernel ended by itself at %2 and was started anew: the %3 objects listed here went with it. It was killed, crashed, or had too little memory. Run the cells again to have them back.',
    loss.objects,
    clockText(loss.at),
    fixed(loss.objects, 0)
  );
}

/** Time of day of a moment, as clocks here show it. */
export function clockText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':');
}

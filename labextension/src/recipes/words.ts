/** Recipes in a trader's words, and as JSON and Python. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IEffect, ILeak, RecipeStep } from '../api/recipes.js';
import { literal } from '../pythonLiteral.js';
import { fixed, quantity } from '../result/format.js';
import type { FieldComplaint } from './draft.js';
import type { IParameter, IStepKind } from './schema.js';

export function kindText(kind: string, trans: TranslationBundle): string {
  return (
    {
      sort: trans.__('Sort'),
      deduplicate: trans.__('Deduplicate'),
      fill: trans.__('Fill'),
      drop: trans.__('Drop rows'),
      resample: trans.__('Resample'),
      adjust: trans.__('Adjust'),
      join: trans.__('Join'),
      derive: trans.__('Derive'),
      indicator: trans.__('Indicator'),
      winsorise: trans.__('Winsorise'),
      normalise: trans.__('Normalise'),
      label: trans.__('Label')
    }[kind] ?? kind
  );
}

/** `known_at_time` as a label: `known at time`. */
export function nameText(name: string): string {
  return name.replaceAll('_', ' ');
}

export function fieldComplaintText(complaint: FieldComplaint, parameter: IParameter, trans: TranslationBundle): string {
  switch (complaint) {
    case 'missing':
      return trans.__('It has to be given.');
    case 'no-number':
      return trans.__('Write a number.');
    case 'not-whole':
      return trans.__('Write a whole number.');
    case 'out-of-bounds':
      return parameter.high === null
        ? trans.__('At least %1.', boundText(parameter.low))
        : parameter.low === null
          ? trans.__('At most %1.', boundText(parameter.high))
          : trans.__('From %1 to %2.', boundText(parameter.low), boundText(parameter.high));
    case 'no-pair':
      return trans.__('Write name=value, with commas between.');
    case 'no-choice':
      return trans.__('There are %1.', parameter.choices.join(', '));
    case 'no-event':
      return trans.__('A line is AAPL split 2020-08-31 4, or AAPL dividend 2020-08-07 0.82.');
  }
}

/** A bound: of what is very small not the zeros. */
export function boundText(value: number | null): string {
  return value === null ? '' : value !== 0 && Math.abs(value) < 1e-6 ? String(value) : quantity(value);
}

/** A sentence of the server without the marks of code, and with its parameters called as the form calls them. */
export function plain(text: string, parameters: readonly string[] = []): string {
  const said = text.replaceAll('`', '').replace(/\b[a-z_]+=(?=[\s,.;)]|$)/g, own => nameText(own.slice(0, -1)));
  const names = parameters.filter(own => own.includes('_'));
  return names.length === 0 ? said : said.replace(new RegExp(`\\b(${names.join('|')})\\b`, 'g'), own => nameText(own));
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length > 3
      ? `${value.slice(0, 2).map(valueText).join(', ')}, \u2026 (${value.length})`
      : value.map(valueText).join(', ');
  }
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([name, own]) => `${name} ${valueText(own)}`);
    return pairs.length > 3 ? `${pairs.slice(0, 2).join(', ')}, \u2026 (${pairs.length})` : pairs.join(', ');
  }
  return String(value);
}

/** A step in a line, without what is as usual, where it is known what that is: `Fill: rows, limit 30`. */
export function stepText(step: RecipeStep, trans: TranslationBundle, kinds: readonly IStepKind[] = []): string {
  const known = kinds.find(own => own.kind === step.kind)?.parameters ?? [];
  const usual = new Map(known.map(own => [own.name, JSON.stringify(own.default)]));
  const place = (name: string): number => known.findIndex(own => own.name === name);
  const said = Object.entries(step)
    .sort(([a], [b]) => place(a) - place(b))
    .filter(([name, value]) => name !== 'kind' && value !== null && value !== false && !isEmpty(value))
    .filter(([name, value]) => usual.get(name) !== JSON.stringify(value))
    .map(([name, value]) => (value === true ? nameText(name) : `${nameText(name)} ${valueText(value)}`));
  const kind = kindText(String(step.kind), trans);
  return said.length === 0 ? kind : `${kind}: ${said.join(', ')}`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The steps of what a version keeps as its recipe; `null` where it has none. */
export function stepsOf(recipe: unknown): RecipeStep[] | null {
  const steps = Array.isArray(recipe) ? recipe : (recipe as { steps?: unknown } | null)?.steps;
  return Array.isArray(steps) ? (steps as RecipeStep[]) : null;
}

export function recipeJson(steps: readonly RecipeStep[]): string {
  return JSON.stringify(steps, null, 2);
}

/** What does the same in a cell. */
export function recipePython(name: string, version: number | null, steps: readonly RecipeStep[]): string {
  const load = `al.data.load(${JSON.stringify(version === null ? name : `${name}@${version}`)})`;
  const lines = steps.map(({ kind, ...values }) => {
    const made = String(kind).charAt(0).toUpperCase() + String(kind).slice(1);
    const given = Object.entries(values).map(([key, value]) => `${key}=${literal(value)}`);
    return `    al.recipes.${made}(${given.join(', ')}),\n`;
  });
  return `data = ${load}.process([\n${lines.join('')}])\n`;
}

/** What a step did, in a line. */
export function effectText(effect: IEffect, trans: TranslationBundle): string {
  const changed = Object.entries(effect.cells_changed).filter(([, count]) => count > 0);
  const parts = [
    effect.rows_added > 0 ? trans._n('%2 row added', '%2 rows added', effect.rows_added, fixed(effect.rows_added, 0)) : null,
    effect.rows_removed > 0
      ? trans._n('%2 row removed', '%2 rows removed', effect.rows_removed, fixed(effect.rows_removed, 0))
      : null,
    ...changed
      .slice(0, MOST_NAMED)
      .map(([column, count]) =>
        trans._n('%2 cell changed in %3', '%2 cells changed in %3', count, fixed(count, 0), column)
      ),
    changed.length > MOST_NAMED ? trans.__('and in %1 more columns', changed.length - MOST_NAMED) : null,
    effect.columns_added.length > 0 ? trans.__('new: %1', namesText(effect.columns_added)) : null,
    effect.columns_removed.length > 0 ? trans.__('gone: %1', namesText(effect.columns_removed)) : null
  ].filter(Boolean);
  return parts.length === 0 ? trans.__('nothing changed') : parts.join(' \u00b7 ');
}

const MOST_NAMED = 5;

/** Names with commas between; of many the first, and how many there are. */
export function namesText(names: readonly string[], count = names.length): string {
  return count > MOST_NAMED ? `${names.slice(0, MOST_NAMED - 1).join(', ')}, \u2026 (${count})` : names.join(', ');
}

/** What a step told of later rows: the first of it, and how much more there is. `null` where it told nothing. */
export function leakText(leaks: readonly ILeak[], trans: TranslationBundle): string | null {
  const [leak] = leaks;
  if (!leak) {
    return null;
  }
  const place = [leak.column, leak.symbol, leak.time].filter(Boolean).join(', ');
  const text = trans.__('It looks ahead: %1 came out otherwise when rows after %2 were changed.', place, leak.until);
  const more = leaks.length - 1;
  return more > 0 ? trans._n('%2 So did %1 more.', '%2 So did %1 more.', more, text) : text;
}

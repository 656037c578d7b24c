/** Which rules a version is checked by, and with which numbers, while it is being chosen. No DOM. */

import type { IRule, IRuleChoice, IRuleNumber } from '../api/datasets.js';

export interface IRuleFields {
  leftOut: ReadonlySet<string>;
  /** What is written in the field of a number, by rule and name; what is not there has its default. */
  numbers: ReadonlyMap<string, string>;
  /** A dataset of splits and dividends that the rules take as known; empty for none. */
  reference: string;
}

/** Names a number among all. */
export function numberKey(rule: string, name: string): string {
  return `${rule}.${name}`;
}

/** What was chosen for the last report, so that one changes it instead of beginning anew. */
export function fieldsOf(chosen: Partial<IRuleChoice>): IRuleFields {
  const numbers = new Map<string, string>();
  for (const [rule, own] of Object.entries(chosen.parameters ?? {})) {
    for (const [name, value] of Object.entries(own)) {
      numbers.set(numberKey(rule, name), String(value));
    }
  }
  return { leftOut: new Set(chosen.left_out ?? []), numbers, reference: chosen.reference ?? '' };
}

export function withRule(fields: IRuleFields, rule: string, isChecked: boolean): IRuleFields {
  const leftOut = new Set(fields.leftOut);
  if (isChecked) {
    leftOut.delete(rule);
  } else {
    leftOut.add(rule);
  }
  return { ...fields, leftOut };
}

export function withNumber(fields: IRuleFields, rule: string, name: string, text: string): IRuleFields {
  return { ...fields, numbers: new Map(fields.numbers).set(numberKey(rule, name), text) };
}

/** What stands in the field of a number. */
export function textOf(fields: IRuleFields, rule: string, number: IRuleNumber): string {
  return fields.numbers.get(numberKey(rule, number.name)) ?? String(number.default);
}

/** What is wrong with a number as it is written; empty is its default. */
export type NumberComplaint = 'no-number' | 'not-whole' | 'out-of-bounds';

export function complaintOf(text: string, { least, most, whole }: IRuleNumber): NumberComplaint | null {
  const value = text.trim() === '' ? least : Number(text);
  if (!Number.isFinite(value)) {
    return 'no-number';
  }
  if (value < least || value > most) {
    return 'out-of-bounds';
  }
  return whole && !Number.isInteger(value) ? 'not-whole' : null;
}

/** The rules by what they look at, in the order of reports. */
export function byGroup(rules: readonly IRule[]): { group: string; rules: IRule[] }[] {
  const found = new Map<string, IRule[]>();
  for (const rule of rules) {
    found.set(rule.group, [...(found.get(rule.group) ?? []), rule]);
  }
  return [...found].map(([group, own]) => ({ group, rules: own }));
}

/** What is asked of the server: only what differs from the default. `null` where a number of a checked rule is wrong. */
export function choiceOf(rules: readonly IRule[], fields: IRuleFields): IRuleChoice | null {
  const parameters: IRuleChoice['parameters'] = {};
  for (const rule of rules.filter(own => !fields.leftOut.has(own.id))) {
    for (const number of rule.parameters) {
      const text = textOf(fields, rule.id, number);
      if (complaintOf(text, number) !== null) {
        return null;
      }
      const value = text.trim() === '' ? number.default : Number(text);
      if (value !== number.default) {
        parameters[rule.id] = { ...parameters[rule.id], [number.name]: value };
      }
    }
  }
  const known = new Set(rules.map(rule => rule.id));
  const reference = fields.reference.trim();
  return {
    left_out: [...fields.leftOut].filter(rule => known.has(rule)).sort(),
    parameters,
    ...(reference === '' ? {} : { reference })
  };
}

/** The values that a method tries for each parameter: read from a text, counted, proposed from bounds. */

import type { IParameter } from '../api/types.js';

export type Value = number | string | boolean;

/** Both ends belong to it; without a step a search draws from all of it. */
export interface IRange {
  low: number;
  high: number;
  step: number | null;
}

export type Values = Value[] | IRange;

/** As many combinations as the server looks at, and as many variants as it runs, in one job. */
export const MOST_COMBINATIONS = 100_000;
export const MOST_VARIANTS = 5_000;

/** Proposed grids have about this many variants: a first look takes seconds. */
const FIRST_LOOK = 100;
const FEWEST_POINTS = 3;
const MOST_POINTS = 10;
/** A step that is too small by rounding alone still reaches the upper end. */
const ROUNDING = 1e-9;

export type ValuesProblem = 'empty' | 'number' | 'order' | 'step';

function number(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

/** A value without the noise of binary fractions: 0.1 + 0.2 is 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

function value(text: string, parameter: IParameter): Value | null {
  switch (typeof parameter.default) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : null;
    case 'string':
      return text;
    default: {
      const read = number(text);
      return Number.isFinite(read) ? read : null;
    }
  }
}

/** Read `20`, `10, 20, 50`, `10:50:10` or `10:50`; a problem where it is none of these. */
export function readValues(
  text: string,
  parameter: IParameter
): { values: Values } | { problem: ValuesProblem } {
  const numeric =
    typeof parameter.default !== 'string' &&
    typeof parameter.default !== 'boolean';
  if (numeric && text.includes(':')) {
    const parts = text.split(':');
    const [low = NaN, high = NaN, step = null] = parts.map(number);
    if (
      parts.length > 3 ||
      !Number.isFinite(low) ||
      !Number.isFinite(high) ||
      (step !== null && !Number.isFinite(step))
    ) {
      return { problem: 'number' };
    }
    if (low > high) {
      return { problem: 'order' };
    }
    return step !== null && step <= 0
      ? { problem: 'step' }
      : { values: { low, high, step } };
  }
  const texts = text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '');
  if (texts.length === 0) {
    return { problem: 'empty' };
  }
  const values = texts.map(item => value(item, parameter));
  return values.some(item => item === null)
    ? { problem: 'number' }
    : { values: [...new Set(values as Value[])] };
}

/** Whether the values are more than one. */
export function isVaried(values: Values): boolean {
  return Array.isArray(values) ? values.length > 1 : values.low < values.high;
}

/** How many values a grid takes of it: those of a range without a step are its whole numbers. */
export function countOf(values: Values): number {
  if (Array.isArray(values)) {
    return values.length;
  }
  const steps = (values.high - values.low) / (values.step ?? 1);
  return Math.floor(steps + ROUNDING * Math.max(1, steps)) + 1;
}

/** Whether a range can be walked through: fractions need a step. */
export function isCountable(values: Values): boolean {
  return (
    Array.isArray(values) ||
    values.step !== null ||
    (Number.isInteger(values.low) && Number.isInteger(values.high))
  );
}

export function combinations(grid: Record<string, Values>): number {
  return Object.values(grid).reduce((all, values) => all * countOf(values), 1);
}

/** The nearest of 1, 2, 5, 10, 20 …: steps that a person would choose. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  const distance = (lead: number): number => Math.abs(Math.log(wanted / (lead * power)));
  const lead = [1, 2, 5, 10].reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return tidy(lead * power);
}

/** The ends between which a parameter is worth trying: its bounds, else half to one and a half of its default. */
function ends(parameter: IParameter): [number, number] | null {
  const { default: usual, low, high } = parameter;
  if (usual !== null && typeof usual !== 'number') {
    return null;
  }
  const around = usual ? [usual / 2, usual * 1.5].sort((a, b) => a - b) : [NaN, NaN];
  const found: [number, number] = [low ?? around[0]!, high ?? around[1]!];
  return Number.isFinite(found[0]) && found[1] > found[0] ? found : null;
}

/** Propose values for each parameter that has ends, together about a hundred combinations; others stay as they are. */
export function proposedValues(
  parameters: Record<string, IParameter>,
  chosen: Record<string, string>
): Record<string, string> {
  const numeric = Object.values(parameters).filter(item => ends(item) !== null);
  const points = Math.min(
    MOST_POINTS,
    Math.max(FEWEST_POINTS, Math.floor(FIRST_LOOK ** (1 / Math.max(1, numeric.length)) + ROUNDING))
  );
  return Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => {
      const between = ends(parameter);
      if (between === null) {
        return [name, chosen[name] ?? ''];
      }
      const whole = Number.isInteger(parameter.default ?? 0.5);
      const own = parameter.step ?? (whole ? 1 : null);
      const [low, high] = whole
        ? [Math.ceil(between[0]), Math.floor(between[1])]
        : between.map(tidy);
      const wide = roundStep((high! - low!) / (points - 1));
      const step = own === null ? wide : tidy(Math.max(1, Math.round(wide / own)) * own);
      return [name, `${low}:${high}:${step}`];
    })
  );
}

/** Pairs of which the first is usually meant to be the smaller. */
const ORDERED = [
  ['fast', 'slow'],
  ['short', 'long']
] as const;

/** The constraint that the names of the parameters suggest, else nothing. */
export function proposedConstraint(parameters: Record<string, IParameter>): string {
  return ORDERED.filter(([less, more]) => parameters[less] && parameters[more])
    .map(([less, more]) => `${less} < ${more}`)
    .join(' and ');
}

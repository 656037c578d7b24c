/**
 * Numbers and times as they are read: tabular figures, thin-space groups, a true minus,
 * ISO dates. One function for every place, so that a figure, a cell and a legend agree.
 */

import type { Cell, Format } from './payload.js';

/** The narrow no-break space: groups digits and stands before a unit without breaking the line. */
export const THIN = '\u202f';
export const MINUS = '\u2212';
export const UNDEFINED = '\u2013';

const DAY = 86_400;

function group(digits: string): string {
  const [whole, fraction] = digits.split('.') as [string, string | undefined];
  const grouped =
    whole.length > 3 ? whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN) : whole;
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The numbers of a sentence that was written with commas, with thin spaces instead: `6,900 variants`. */
export function grouped(text: string): string {
  return text.replace(/(\d),(?=\d{3}(?!\d))/g, `$1${THIN}`);
}

/** A number with a fixed count of decimals, grouped; a value that rounds to zero has no sign. */
export function fixed(value: number, decimals: number, signed = false): string {
  const digits = Math.abs(value).toFixed(decimals);
  const zero = Number(digits) === 0;
  const sign = zero ? '' : value < 0 ? MINUS : signed ? '+' : '';
  return sign + group(digits);
}

/** Decimals that show a price by its size: 2 from 1 upwards, five significant digits below. */
export function priceDecimals(value: number): number {
  const size = Math.abs(value);
  if (size >= 1 || size === 0) {
    return 2;
  }
  return Math.min(8, 4 - Math.floor(Math.log10(size)));
}

/** As many prices tell how all of a market are written. */
const TELLING = 200;
/** Prices in halves to 256ths of one are shown whole. */
const LEAST_TICK = 256;

/**
 * Decimals that a market's prices are quoted in: EURUSD in five, USDJPY in three, shares in two.
 *
 * Prices with more than six significant digits were calculated (adjusted for dividends, say), unless they are in halves
 * to 256ths, as bonds are: their size tells. The same rules are in `alphintra/data/decimals.py`.
 */
export function quotedDecimals(prices: readonly (number | null)[]): number {
  const given = prices.filter((price): price is number => price !== null && Number.isFinite(price) && price !== 0);
  if (given.length === 0) {
    return 2;
  }
  const sizes = given.map(Math.abs);
  const most = Math.max(2, Math.min(8, 5 - Math.floor(Math.log10(sizes.reduce((a, b) => Math.max(a, b))))));
  const each = Math.ceil(given.length / TELLING);
  const told = sizes.filter((_, i) => i % each === 0);
  const needed = told.map(decimalsOf).reduce((a, b) => Math.max(a, b));
  const isFractions = needed <= 8 && told.every(price => Number.isInteger(price * LEAST_TICK));
  return needed <= most || isFractions ? Math.max(2, needed) : priceDecimals(sizes.reduce((a, b) => Math.min(a, b)));
}

/** Decimals that a number is written with; sums of binary fractions count as what they stand for. */
function decimalsOf(value: number): number {
  const [digits, exponent] = Number(value.toPrecision(12)).toExponential().split('e');
  return Math.max(0, digits!.replace('-', '').length - 2 - Number(exponent));
}

/** A number as it is, grouped: of bounds and defaults. */
export function quantity(value: number): string {
  if (Number.isInteger(value)) {
    return fixed(value, 0);
  }
  const text = Math.abs(value).toFixed(8).replace(/0+$/, '').replace(/\.$/, '');
  return (value < 0 ? MINUS : '') + group(text);
}

/** Seconds as the two largest units that matter: `3 d 4 h`, `12 min`, `0.04 s`. */
export function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 10) {
    return `${Number(seconds.toPrecision(2))}${THIN}s`;
  }
  if (size < 90) {
    return `${Math.round(seconds)}${THIN}s`;
  }
  if (size < 90 * 60) {
    return `${Math.round(seconds / 60)}${THIN}min`;
  }
  if (size < 2 * DAY) {
    return `${fixed(seconds / 3600, 1)}${THIN}h`;
  }
  return `${fixed(seconds / DAY, 1)}${THIN}d`;
}

/** Whether every time is a date without a time of day. */
export function datesOnly(times: Iterable<Cell>): boolean {
  for (const time of times) {
    if (typeof time === 'number' && time % DAY !== 0) {
      return false;
    }
  }
  return true;
}

/** Seconds since the epoch as an ISO date, with the time of day where there is one. */
export function isoTime(seconds: number, dateOnly: boolean): string {
  const iso = new Date(seconds * 1000).toISOString();
  return dateOnly
    ? iso.slice(0, 10)
    : `${iso.slice(0, 10)} ${iso.slice(11, seconds % 60 === 0 ? 16 : 19)}`;
}

export interface IFormatOptions {
  signed?: boolean;
  /** For times: leave out the time of day. */
  dateOnly?: boolean;
}

/** A value by its kind. Undefined values are a dash. */
export function formatValue(
  value: Cell | undefined,
  kind: Format,
  options: IFormatOptions = {}
): string {
  if (value === null || value === undefined || value === '') {
    return UNDEFINED;
  }
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  if (typeof value === 'string') {
    return value;
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '\u221e' : value < 0 ? `${MINUS}\u221e` : UNDEFINED;
  }
  const signed = options.signed ?? false;
  switch (kind) {
    case 'percent':
      return `${fixed(value * 100, Math.abs(value) >= 10 ? 0 : 1, signed)}${THIN}%`;
    case 'ratio':
      return fixed(value, 2, signed);
    case 'integer':
      return fixed(value, 0, signed);
    case 'money':
      return fixed(value, Math.abs(value) >= 1000 ? 0 : 2, signed);
    case 'price':
      return fixed(value, priceDecimals(value), signed);
    case 'quantity':
      return quantity(value);
    case 'duration':
      return duration(value);
    case 'time':
      return isoTime(value, options.dateOnly ?? value % DAY === 0);
    default:
      // Text that is a number; and a kind of a later version, which must not become a blank.
      return quantity(value);
  }
}

/** A large number in few characters, for axes and the legend: `24.6 M`. */
export function compact(value: number): string {
  const size = Math.abs(value);
  for (const [scale, unit] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e4, 'k']
  ] as const) {
    if (size >= scale) {
      const factor = unit === 'k' ? 1e3 : scale;
      return `${fixed(value / factor, size / factor >= 100 ? 0 : 1)}${THIN}${unit}`;
    }
  }
  return fixed(value, size >= 100 || Number.isInteger(value) ? 0 : 2);
}

/** A size in memory: `49 kB`, `1.3 MB`, `268 MB`. */
export function memory(bytes: number): string {
  const size = bytes / 1e6;
  return size < 1
    ? `${fixed(bytes / 1e3, 0)}${THIN}kB`
    : `${fixed(size, size < 10 ? 1 : 0)}${THIN}MB`;
}

/** A split as it is announced: `2:1`, `1:10`, `3:2`. */
export function ratioText(ratio: number): string {
  for (let old = 1; old <= 100; old += 1) {
    const made = ratio * old;
    if (made >= 0.5 && Math.abs(made - Math.round(made)) < 1e-6 * old) {
      return `${Math.round(made)}:${old}`;
    }
  }
  return `${quantity(ratio)}:1`;
}

/** Which way a signed value points; it gives the colour and the mark beside it. */
export function direction(value: Cell | undefined): 'up' | 'down' | 'flat' {
  return typeof value !== 'number' || value === 0 || Number.isNaN(value)
    ? 'flat'
    : value > 0
      ? 'up'
      : 'down';
}

/** Whether it is a day of the calendar, `2020-01-31`, in a century that has prices. */
export function isDay(text: string): boolean {
  const at = /^(1[89]|2[01])\d\d-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  // The 31st of February is read as a day in March.
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

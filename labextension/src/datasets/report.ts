/** What the rules found on a version, in the order in which it matters. No DOM. */

import type { IReportPlace, IRuleResult, IValidationReport } from '../api/datasets.js';

/** A rule that fired, with who accepted it where somebody did. */
export interface IFired extends Omit<IRuleResult, 'places'> {
  places: readonly IReportPlace[];
  /** An error that nobody has accepted: nothing runs on the version. */
  isOpen: boolean;
  accepted: { who: string; when: string; why: string } | null;
}

export interface ISortedReport {
  /** Open errors, then accepted ones, warnings, remarks; within each what fired most first. */
  fired: IFired[];
  /** Rules that could not be checked, or were left out: that is no pass. */
  unchecked: IRuleResult[];
  /** How many rules were checked and did not fire. */
  passed: number;
}

/** Behind this a line of errors is of the version that rows were added to. */
const EARLIER = '; in the rows before';

const GRAVITY = { error: 0, warning: 2, info: 3 } as const;

/** The rule that a line of errors is about. */
function ruleOf(line: string): string {
  return line.split(':', 1)[0]!;
}

/** The places of a rule, one by one. */
export function placesOf({ places }: Pick<IRuleResult, 'places'>): IReportPlace[] {
  return Array.from({ length: places.count }, (_, i) => ({
    file: places.file?.[i] ?? null,
    row: places.row?.[i] ?? null,
    line: places.line?.[i] ?? null,
    column: places.column?.[i] ?? null,
    symbol: places.symbol?.[i] ?? null,
    time: places.time?.[i] ?? null,
    message: places.message?.[i] ?? null
  }));
}

/** What is told of a rule without a place. */
function told(message: string): IReportPlace {
  return { file: null, row: null, line: null, column: null, symbol: null, time: null, message };
}

/** What a line of errors says of the rows to which others were added. */
function earlierOf(line: string | undefined): IReportPlace[] {
  const at = line?.indexOf(EARLIER) ?? -1;
  return at < 0 ? [] : [told(line!.slice(at + 2))];
}

export function sortedReport(found: IValidationReport): ISortedReport {
  const open = new Set(found.validation_errors.map(ruleOf));
  const accepted = new Map(found.acknowledgements.map(own => [own.rule, own]));
  const results = found.report?.results ?? [];
  const lines = new Map(found.validation_errors.map(line => [ruleOf(line), line]));
  const fired: IFired[] = results
    .filter(result => result.count > 0)
    .map(result => ({
      ...result,
      count: Math.max(result.count, found.counts[result.rule] ?? 0),
      places: [...placesOf(result), ...earlierOf(lines.get(result.rule))],
      isOpen: open.has(result.rule),
      accepted: result.severity === 'error' && !open.has(result.rule) ? (accepted.get(result.rule) ?? null) : null
    }));
  // Rows were added to a version whose own errors are open still: the report is of the new rows alone.
  const reported = new Set(fired.map(result => result.rule));
  for (const line of found.validation_errors.filter(own => !reported.has(ruleOf(own)))) {
    const message = line.slice(ruleOf(line).length + 2);
    fired.push({
      rule: ruleOf(line),
      severity: 'error',
      status: 'checked',
      reason: null,
      count: found.counts[ruleOf(line)] ?? 1,
      places: [told(message)],
      isOpen: true,
      accepted: null
    });
  }
  const rank = (own: IFired): number => (own.isOpen ? 0 : GRAVITY[own.severity] + (own.accepted ? 1 : 0));
  fired.sort((a, b) => rank(a) - rank(b) || b.count - a.count || a.rule.localeCompare(b.rule));
  return {
    fired,
    unchecked: results.filter(result => result.status !== 'checked' && result.count === 0),
    passed: results.filter(result => result.status === 'checked' && result.count === 0).length
  };
}

/** A place as a trader reads it: file, row, line and column, or symbol and time, as far as known. */
export function placeText(place: IReportPlace): string {
  const column = place.column ? `column ${place.column}` : null;
  const time = place.time?.replace('T', ' ').replace(/( 00:00:00)?Z$/, '') ?? null;
  const row = place.row === null ? null : `row ${place.row}`;
  const line = place.line === null ? null : `line ${place.line}`;
  return [place.file, row, line, place.symbol, time, column].filter(Boolean).join(', ');
}

/** When a place is, in seconds since the epoch; NaN where no time is known. */
export function timeOf({ time }: IReportPlace): number {
  return time === null ? NaN : Date.parse(time) / 1000;
}

/** Seconds since the epoch of the places on a symbol, each once, with how grave the worst there is. */
export function placesOn(
  fired: readonly IFired[],
  symbol: string,
  isOnly: boolean
): { time: number; severity: IRuleResult['severity'] }[] {
  const worst = new Map<number, IRuleResult['severity']>();
  for (const { places, severity } of fired) {
    for (const place of places) {
      const time = timeOf(place);
      const isHere = place.symbol === symbol || (place.symbol === null && isOnly);
      if (isHere && !Number.isNaN(time)) {
        const before = worst.get(time);
        if (before === undefined || GRAVITY[severity] < GRAVITY[before]) {
          worst.set(time, severity);
        }
      }
    }
  }
  return [...worst].map(([time, severity]) => ({ time, severity })).sort((a, b) => a.time - b.time);
}

/**
 * Which of rising times get a mark, each once and by the worst that is in it. What lies before
 * the first or after the last is not among them.
 */
export function marksOn<Severity extends string>(
  times: readonly number[],
  places: readonly { time: number; severity: Severity }[]
): { at: number; severity: Severity }[] {
  const worst = new Map<number, Severity>();
  const last = times.at(-1) ?? 0;
  const width = times.length > 1 ? last - times.at(-2)! : Infinity;
  for (const { time, severity } of places) {
    const at = barAt(times, time);
    if (at >= 0 && time < last + width && (worst.get(at) ?? 'info') !== 'error') {
      worst.set(at, severity);
    }
  }
  return [...worst].map(([at, severity]) => ({ at, severity })).sort((a, b) => a.at - b.at);
}

/** The last of rising times that is not after another one; -1 where there is none. */
export function barAt(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

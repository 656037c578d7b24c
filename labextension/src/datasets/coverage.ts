/** On which days a version has rows, and how many: years as lines, days as places. No DOM. */

/** As the server tells it: rows of so many days each, from the first day on. */
export interface ICoverage {
  /** `2020-01-31`. */
  first: string;
  days: number;
  counts: readonly number[];
}

/** Days of one year that are alike: nothing (these are left out), fewer rows than usual, as many, more. */
export interface IRun {
  /** 0 is the first of January. */
  day: number;
  days: number;
  level: 1 | 2 | 3;
}

export interface ICoverageYear {
  year: number;
  runs: IRun[];
}

export interface ICalendar {
  years: ICoverageYear[];
  /** Rows of a usual day on which there are any: the middle one of all of them. Of several days, where `days` is. */
  usual: number;
  /** The longest time between two days with rows: its first day and how many. */
  gap: { first: string; days: number } | null;
}

const DAY = 86_400_000;
/** Fewer than this share of the usual rows are few, more than that share are many. */
const FEW = 0.75;
const MANY = 1.5;

export function isCoverage(value: unknown): value is ICoverage {
  const own = value as ICoverage | null | undefined;
  return typeof own?.first === 'string' && own.days >= 1 && Array.isArray(own.counts) && own.counts.length > 0;
}

function middle(counts: readonly number[]): number {
  const some = counts.filter(count => count > 0).sort((a, b) => a - b);
  return some[Math.floor((some.length - 1) / 2)] ?? 0;
}

export function dayText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** Put the days of a version in their years. */
export function calendarOf({ first, days, counts }: ICoverage): ICalendar {
  const begin = Date.parse(`${first}T00:00:00Z`);
  const usual = middle(counts);
  const years: ICoverageYear[] = [];
  let gap: ICalendar['gap'] = null;
  let last = -1;
  let end = -Infinity;
  counts.forEach((count, place) => {
    if (count <= 0) {
      return;
    }
    const missing = (place - last - 1) * days;
    if (last >= 0 && missing > (gap?.days ?? 0)) {
      gap = { first: dayText(begin + (last + 1) * days * DAY), days: missing };
    }
    last = place;
    const level = count < FEW * usual ? 1 : count > MANY * usual ? 3 : 2;
    for (let i = 0; i < days; i++) {
      const time = begin + (place * days + i) * DAY;
      const year = new Date(time).getUTCFullYear();
      let line = years.at(-1);
      if (line?.year !== year) {
        // A year without a row has a line as well: it is what is looked for.
        for (let empty = (line?.year ?? year - 1) + 1; empty <= year; empty++) {
          years.push((line = { year: empty, runs: [] }));
        }
      }
      const run = line!.runs.at(-1);
      if (run !== undefined && run.level === level && time - end === DAY) {
        run.days++;
      } else {
        line!.runs.push({ day: (time - Date.UTC(year, 0, 1)) / DAY, days: 1, level });
      }
      end = time;
    }
  });
  return { years, usual, gap };
}

/** Rows of the day (or days) that a place in a year's line stands for; null outside of what is covered. */
export function rowsAt({ first, days, counts }: ICoverage, year: number, day: number): { from: string; rows: number } | null {
  const begin = Date.parse(`${first}T00:00:00Z`);
  const time = Date.UTC(year, 0, 1) + day * DAY;
  const place = Math.floor((time - begin) / DAY / days);
  const rows = counts[place];
  return rows === undefined || new Date(time).getUTCFullYear() !== year
    ? null
    : { from: dayText(begin + place * days * DAY), rows };
}

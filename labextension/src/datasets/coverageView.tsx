/** The calendar of a version: each day by how many rows it has, so that what is missing is seen. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { fixed } from '../result/format.js';
import { ICoverage, ICoverageYear, calendarOf, rowsAt } from './coverage.js';

const LEFT = 34;
const TOP = 14;
const DAY = 2;
const LINE = 12;
const GAP = 2;
const WIDTH = LEFT + 366 * DAY;
const LEVELS = [1, 2, 3] as const;

function pathOf(years: readonly ICoverageYear[], level: number): string {
  return years
    .flatMap(({ runs }, line) =>
      runs
        .filter(run => run.level === level)
        .map(run => `M${LEFT + run.day * DAY},${TOP + line * LINE}h${run.days * DAY}v${LINE - GAP}h${-run.days * DAY}z`)
    )
    .join('');
}

/** Names of the months, where each begins in a year that is none of leap. */
const MONTHS = Array.from({ length: 12 }, (_, month) => {
  const first = Date.UTC(2001, month, 1);
  const name = new Date(first).toLocaleDateString(undefined, { month: 'short', timeZone: 'UTC' });
  return { name, day: (first - Date.UTC(2001, 0, 1)) / 86_400_000 };
});

export function CoverageView({ coverage, trans }: { coverage: ICoverage; trans: TranslationBundle }): JSX.Element {
  const { years, usual, gap } = React.useMemo(() => calendarOf(coverage), [coverage]);
  const paths = React.useMemo(() => LEVELS.map(level => pathOf(years, level)), [years]);
  const [pointed, setPointed] = React.useState<{ from: string; rows: number } | null>(null);
  const height = TOP + years.length * LINE;
  const span = coverage.days;
  const each =
    span === 1
      ? trans._n('%2 row on a usual day', '%2 rows on a usual day', usual, fixed(usual, 0))
      : trans._n('%2 row in %3 usual days', '%2 rows in %3 usual days', usual, fixed(usual, 0), fixed(span, 0));
  const longest =
    gap === null
      ? trans.__('no day without rows between them')
      : trans._n(
          'at most %1 day without rows, from %2',
          'at most %1 days without rows, from %2',
          gap.days,
          gap.first
        );
  const label = trans.__('Rows by day: %1; %2', each, longest);
  return (
    <figure className="alphintra-Coverage">
      <figcaption>
        <strong>{trans.__('Rows by day')}</strong> <span>{`${each} \u00b7 ${longest}`}</span>
        <output>
          {pointed === null
            ? ''
            : trans._n(
                '%2%3: %4 row',
                '%2%3: %4 rows',
                pointed.rows,
                pointed.from,
                span === 1 ? '' : ` + ${trans.__('%1 days', fixed(span, 0))}`,
                fixed(pointed.rows, 0)
              )}
        </output>
      </figcaption>
      <div className="alphintra-Coverage-scroll">
        <svg
          role="img"
          aria-label={label}
          viewBox={`0 0 ${WIDTH} ${height}`}
          width={WIDTH}
          onPointerLeave={() => setPointed(null)}
          onPointerMove={event => {
            const box = event.currentTarget.getBoundingClientRect();
            const scale = WIDTH / box.width;
            const day = Math.floor(((event.clientX - box.left) * scale - LEFT) / DAY);
            const line = years[Math.floor(((event.clientY - box.top) * scale - TOP) / LINE)];
            setPointed(line === undefined || day < 0 || day > 365 ? null : rowsAt(coverage, line.year, day));
          }}
        >
          {MONTHS.map(({ name, day }) => (
            <text key={day} x={LEFT + day * DAY} y={TOP - 4}>
              {name}
            </text>
          ))}
          {years.map(({ year }, line) => (
            <React.Fragment key={year}>
              <text x={0} y={TOP + line * LINE + LINE - GAP - 1}>
                {year}
              </text>
              <rect x={LEFT} y={TOP + line * LINE} width={366 * DAY} height={LINE - GAP} />
            </React.Fragment>
          ))}
          {LEVELS.map((level, i) => (
            <path key={level} className={`alphintra-mod-${['few', 'usual', 'many'][i]}`} d={paths[i]} />
          ))}
        </svg>
      </div>
      <p className="alphintra-Coverage-legend">
        <i /> {trans.__('no rows')}
        <i className="alphintra-mod-few" /> {trans.__('fewer than usual')}
        <i className="alphintra-mod-usual" /> {trans.__('as usual')}
        <i className="alphintra-mod-many" /> {trans.__('more')}
      </p>
    </figure>
  );
}

/** The numbers behind a figure as a table: for keyboards, screen readers and spreadsheets. */

import type { Cell, IColumn, ITable } from '../result/payload.js';

type Plain = Record<string, unknown>;

/** More rows than this are counted, not listed. */
export const MOST_ROWS = 20_000;

/** The arrays of a trace that carry data, in the order in which they are read. */
const COLUMNS = ['x', 'y', 'z', 'open', 'high', 'low', 'close', 'text'] as const;

function scalar(value: unknown): Cell {
  return typeof value === 'number' ||
    typeof value === 'string' ||
    typeof value === 'boolean'
    ? value
    : null;
}

function axisLabel(layout: Plain, axis: 'xaxis' | 'yaxis'): string {
  const title = (layout[axis] as Plain | undefined)?.title;
  const text = typeof title === 'string' ? title : (title as Plain | undefined)?.text;
  return typeof text === 'string' && text !== '' ? text : axis[0]!;
}

/** A matrix of `z` as one row a cell. */
function cellsOf(trace: Plain, z: unknown[]): Record<string, Cell>[] {
  const x = Array.isArray(trace.x) ? (trace.x as unknown[]) : [];
  const y = Array.isArray(trace.y) ? (trace.y as unknown[]) : [];
  return z.flatMap((line, row) =>
    (Array.isArray(line) ? (line as unknown[]) : []).map((value, column) => ({
      x: scalar(x[column] ?? column),
      y: scalar(y[row] ?? row),
      z: scalar(value)
    }))
  );
}

function pointsOf(trace: Plain): Record<string, Cell>[] {
  if (Array.isArray(trace.z) && Array.isArray(trace.z[0])) {
    return cellsOf(trace, trace.z as unknown[]);
  }
  const arrays = COLUMNS.flatMap(name =>
    Array.isArray(trace[name]) ? [[name, trace[name] as unknown[]] as const] : []
  );
  const length = Math.max(0, ...arrays.map(([, values]) => values.length));
  return Array.from({ length }, (_, at) =>
    Object.fromEntries(arrays.map(([name, values]) => [name, scalar(values[at])]))
  );
}

/** The figure's points, one a row, or `null` where it has none that a table can hold. */
export function figureTable(
  data: readonly Plain[],
  layout: Plain,
  words: { series: string; omitted: (count: number) => string }
): ITable | null {
  const series = data.map((trace, at) => ({
    name: typeof trace.name === 'string' ? trace.name : String(at + 1),
    points: pointsOf(trace)
  }));
  const used = COLUMNS.filter(name =>
    series.some(({ points }) => points.some(point => name in point))
  );
  const total = series.reduce((sum, { points }) => sum + points.length, 0);
  if (total === 0) {
    return null;
  }
  const named = data.length > 1;
  const labels: Partial<Record<(typeof COLUMNS)[number], string>> = {
    x: axisLabel(layout, 'xaxis'),
    y: axisLabel(layout, 'yaxis')
  };
  const columns: IColumn[] = [
    ...(named
      ? [{ name: 'series', label: words.series, format: 'text' as const }]
      : []),
    ...used.map(name => {
      const numbers = series.every(({ points }) =>
        points.every(point => typeof (point[name] ?? 0) === 'number')
      );
      return {
        name,
        label: labels[name] ?? name,
        format: numbers ? ('quantity' as const) : ('text' as const)
      };
    })
  ];
  const rows: Cell[][] = [];
  for (const { name, points } of series) {
    for (const point of points) {
      if (rows.length === MOST_ROWS) {
        break;
      }
      rows.push([
        ...(named ? [name] : []),
        ...used.map(column => point[column] ?? null)
      ]);
    }
  }
  return {
    columns,
    rows,
    total,
    omitted: total > rows.length ? words.omitted(total - rows.length) : null
  };
}

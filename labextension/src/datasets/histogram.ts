/** How the values of a column are distributed, as bars in one small picture. No DOM. */

/** Bins of one width: `edges` has one more than `counts`. */
export interface IHistogram {
  edges: readonly number[];
  counts: readonly number[];
}

export const HISTOGRAM_WIDTH = 96;
export const HISTOGRAM_HEIGHT = 18;
/** More bars than that cannot be told apart: neighbours are put together. */
const MOST = 48;

export function isHistogram(value: unknown): value is IHistogram {
  const own = value as IHistogram | null | undefined;
  return (
    Array.isArray(own?.edges) &&
    Array.isArray(own?.counts) &&
    own.counts.length > 0 &&
    own.edges.length === own.counts.length + 1
  );
}

/** The outline of the bars; a bin with any value is at least a pixel high, so that a lonely outlier is seen. */
export function histogramPath({ counts }: IHistogram): string {
  const each = Math.ceil(counts.length / MOST);
  const bars: number[] = [];
  counts.forEach((count, i) => {
    const place = Math.floor(i / each);
    bars[place] = (bars[place] ?? 0) + count;
  });
  const most = bars.reduce((a, b) => Math.max(a, b), 0);
  const width = HISTOGRAM_WIDTH / bars.length;
  return bars
    .map((count, i) => {
      const height = count === 0 ? 0 : Math.max(1, (count / most) * HISTOGRAM_HEIGHT);
      const x = (i * width).toFixed(1);
      const y = (HISTOGRAM_HEIGHT - height).toFixed(1);
      return height === 0 ? '' : `M${x},${y}h${Math.max(width - 0.5, 0.5).toFixed(1)}V${HISTOGRAM_HEIGHT}H${x}z`;
    })
    .join('');
}

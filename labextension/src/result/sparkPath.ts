/** The course of a value in one small line. */

export const SPARK_WIDTH = 64;
export const SPARK_HEIGHT = 20;

/** The path of a line through the values, from the lowest at the bottom to the highest at the top. */
export function sparkPath(values: readonly number[]): string {
  if (values.length < 2) {
    return '';
  }
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return values
    .map((value, i) => {
      const x = 1 + (i / (values.length - 1)) * (SPARK_WIDTH - 2);
      const y = SPARK_HEIGHT - 2 - ((value - low) / span) * (SPARK_HEIGHT - 4);
      return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join('');
}

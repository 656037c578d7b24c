/** The course of a run's equity in one small line. */

import React from 'react';

const WIDTH = 64;
const HEIGHT = 20;

/** The path of a line through the values, from the lowest at the bottom to the highest at the top. */
export function sparkPath(values: readonly number[]): string {
  if (values.length < 2) {
    return '';
  }
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return values
    .map((value, i) => {
      const x = 1 + (i / (values.length - 1)) * (WIDTH - 2);
      const y = HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4);
      return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join('');
}

export function Sparkline(props: {
  values: readonly number[];
  gain: boolean;
  label: string;
}): JSX.Element {
  return (
    <svg
      className={`alphintra-Sparkline alphintra-mod-${props.gain ? 'up' : 'down'}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={props.label}
    >
      <path d={sparkPath(props.values)} />
    </svg>
  );
}

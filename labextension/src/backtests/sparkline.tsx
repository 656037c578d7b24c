/** The course of a run's equity in one small line. */

import React from 'react';

import { SPARK_HEIGHT, SPARK_WIDTH, sparkPath } from '../result/sparkPath.js';

export function Sparkline(props: {
  values: readonly number[];
  gain: boolean;
  label: string;
}): JSX.Element {
  return (
    <svg
      className={`alphintra-Sparkline alphintra-mod-${props.gain ? 'up' : 'down'}`}
      width={SPARK_WIDTH}
      height={SPARK_HEIGHT}
      role="img"
      aria-label={props.label}
    >
      <path d={sparkPath(props.values)} />
    </svg>
  );
}

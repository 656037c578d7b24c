/** One selection for heat map, parallel coordinates and table: which trials are chosen, and from where. */

import type { IAxis } from './trialsModel.js';

/** A stretch of an axis, lower end first. */
export type Range = readonly [number, number];

export interface ISelection {
  readonly trials: ReadonlySet<number>;
  /** Stretches by the name of their axis; they hold only as long as they alone made the selection. */
  readonly brushes: ReadonlyMap<string, Range>;
  /** Whether the table shows nothing but the chosen trials. */
  readonly only: boolean;
}

export type SelectionAction =
  | { type: 'cells'; trials: readonly number[]; add: boolean }
  | { type: 'row'; trial: number }
  | { type: 'brush'; axis: string; range: Range | null; axes: readonly IAxis[] }
  | { type: 'only'; only: boolean }
  | { type: 'clear' };

export const NOTHING: ISelection = {
  trials: new Set(),
  brushes: new Map(),
  only: false
};

/** A name for an axis: a parameter and a metric may be called alike. */
export function axisKey(axis: IAxis): string {
  return `${axis.metric ? 'metric' : 'parameter'} ${axis.column.name}`;
}

/** Trials that lie in every stretch; undefined values lie in none. */
export function within(
  axes: readonly IAxis[],
  brushes: ReadonlyMap<string, Range>
): Set<number> {
  const used = axes.flatMap(axis => {
    const range = brushes.get(axisKey(axis));
    return range ? [{ places: axis.places, low: range[0], high: range[1] }] : [];
  });
  const found = new Set<number>();
  const count = axes[0]?.places.length ?? 0;
  for (let trial = 0; trial < count && used.length > 0; trial += 1) {
    if (
      used.every(({ places, low, high }) => {
        const place = places[trial]!;
        return place >= low && place <= high;
      })
    ) {
      found.add(trial);
    }
  }
  return found;
}

/** Turn the given trials on, or off where all of them are on. */
function toggled(
  chosen: ReadonlySet<number>,
  trials: readonly number[]
): Set<number> {
  const next = new Set(chosen);
  const off = trials.every(trial => next.has(trial));
  for (const trial of trials) {
    if (off) {
      next.delete(trial);
    } else {
      next.add(trial);
    }
  }
  return next;
}

function same(chosen: ReadonlySet<number>, trials: readonly number[]): boolean {
  return chosen.size === trials.length && trials.every(trial => chosen.has(trial));
}

/** The selection after an action. What is chosen in a picture, the table shows alone; what is chosen
 * in the table stays where it stands. */
export function select(state: ISelection, action: SelectionAction): ISelection {
  switch (action.type) {
    case 'cells': {
      const trials = action.add
        ? toggled(state.trials, action.trials)
        : same(state.trials, action.trials)
          ? new Set<number>()
          : new Set(action.trials);
      return trials.size > 0
        ? { trials, brushes: new Map(), only: true }
        : NOTHING;
    }
    case 'row': {
      const trials = toggled(state.trials, [action.trial]);
      return trials.size > 0
        ? { trials, brushes: new Map(), only: state.only }
        : NOTHING;
    }
    case 'brush': {
      const brushes = new Map(state.brushes);
      if (action.range) {
        brushes.set(action.axis, action.range);
      } else {
        brushes.delete(action.axis);
      }
      return brushes.size > 0
        ? { trials: within(action.axes, brushes), brushes, only: true }
        : NOTHING;
    }
    case 'only':
      return { ...state, only: action.only };
    case 'clear':
      return NOTHING;
  }
}

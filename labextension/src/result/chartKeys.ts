/** The keys of a chart that has the focus; no DOM. */

/** What a key does: walk to a bar, zoom by a factor, or show all again. */
export type ChartAction = { walk: number } | { zoom: number } | { reset: true };

export interface IChartStanding {
  /** What has to have the focus: what stands on the chart has keys of its own. */
  host: EventTarget;
  /** The bar that the keyboard stands on, and the last one. */
  at: number;
  last: number;
  /** How many bars are in view. */
  span: number;
}

/** What a key does to a chart; `null` of keys that are not its own. */
export function chartAction(
  event: Pick<KeyboardEvent, 'key' | 'target' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  { host, at, last, span }: IChartStanding
): ChartAction | null {
  if (event.target !== host || event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const step = event.shiftKey ? Math.max(1, Math.round(span / 10)) : 1;
  switch (event.key) {
    case 'ArrowLeft':
      return { walk: at - step };
    case 'ArrowRight':
      return { walk: at + step };
    case 'Home':
      return { walk: 0 };
    case 'End':
      return { walk: last };
    case '+':
    case '=':
      return { zoom: 0.7 };
    case '-':
      return { zoom: 1 / 0.7 };
    case '0':
      return { reset: true };
    default:
      return null;
  }
}

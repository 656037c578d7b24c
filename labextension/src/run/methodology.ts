/** The names of methods as they are read. */

import type { TranslationBundle } from '@jupyterlab/translation';

/** The methods in the field's words. */
export function methodologyLabel(name: string, trans: TranslationBundle): string {
  const labels: Record<string, string> = {
    STANDARD: trans.__('Backtest'),
    SWEEP: trans.__('Sweep'),
    WALK_FORWARD: trans.__('Walk-forward'),
    MONTE_CARLO: trans.__('Monte Carlo')
  };
  // The server's list of methods is open: a newer one is shown by its own name.
  return labels[name] ?? name.toLowerCase().replaceAll('_', ' ');
}

/** The settings of the extension, read with their defaults. */

export type Colors = 'blue-orange' | 'green-red';

export interface ISettingValues {
  defaultDataset: string;
  cash: number;
  commission: number;
  slippage: number;
  colors: Colors;
}

/** The same defaults as in the schema, for when settings cannot be loaded. */
export const DEFAULTS: Readonly<ISettingValues> = {
  defaultDataset: 'us-equities-daily/AAPL',
  cash: 100_000,
  commission: 0,
  slippage: 0,
  colors: 'blue-orange'
};

/** Settings as values; one of the wrong type gives its default. */
export function readSettings(
  composite: Readonly<Record<string, unknown>>
): ISettingValues {
  const number = (name: 'cash' | 'commission' | 'slippage'): number => {
    const value = composite[name];
    return typeof value === 'number' && Number.isFinite(value)
      ? value
      : DEFAULTS[name];
  };
  const dataset = composite.defaultDataset;
  return {
    defaultDataset:
      typeof dataset === 'string' && dataset.trim() !== ''
        ? dataset.trim()
        : DEFAULTS.defaultDataset,
    cash: number('cash'),
    commission: number('commission'),
    slippage: number('slippage'),
    colors: composite.colors === 'green-red' ? 'green-red' : 'blue-orange'
  };
}

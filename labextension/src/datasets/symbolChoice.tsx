/** Whose rows a chart shows: a choice where there are several, a name where there is one. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

interface IProps {
  symbols: readonly string[];
  chosen: string;
  /** What stands for all of them, where they can be shown at once. */
  all?: string | null;
  trans: TranslationBundle;
  onChoose: (symbol: string) => void;
}

export function SymbolChoice({ symbols, chosen, all, trans, onChoose }: IProps): JSX.Element {
  if (symbols.length <= 1) {
    return <b>{chosen || symbols[0]}</b>;
  }
  return (
    <select
      className="alphintra-Input"
      aria-label={trans.__('Symbol')}
      value={chosen}
      data-lm-suppress-shortcuts="true"
      onChange={event => onChoose(event.target.value)}
    >
      {all ? <option value="">{all}</option> : null}
      {symbols.map(own => (
        <option key={own} value={own}>
          {own}
        </option>
      ))}
    </select>
  );
}

/** What a recipe does to some rows: each step's effect, then the rows before and after. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IEffect, ILeak, IRecipePreview } from '../api/recipes.js';
import { fixed } from '../result/format.js';
import { PlacesTable, RowsTable } from './rowsTable.js';
import { effectText, kindText, leakText } from './words.js';

function Effect({ effect, leaks, trans }: {
  effect: IEffect;
  leaks: readonly ILeak[];
  trans: TranslationBundle;
}): JSX.Element {
  const places = effect.places ?? [];
  const leak = leakText(leaks, trans);
  return (
    <li data-step={effect.step} className={leaks.length > 0 ? 'alphintra-mod-bad' : ''}>
      <div>
        <b>
          {effect.step} {kindText(effect.kind, trans)}
        </b>{' '}
        <span className="alphintra-muted">
          {trans.__('%1 \u2192 %2 rows', fixed(effect.rows_in, 0), fixed(effect.rows_out, 0))}
        </span>{' '}
        {effectText(effect, trans)}
      </div>
      {leak === null ? null : (
        <p className="alphintra-Problem">
          <i aria-hidden="true">{'\u2715'}</i> {leak}
        </p>
      )}
      {effect.notes.map(note => (
        <div key={note} className="alphintra-muted">
          {note}
        </div>
      ))}
      {places.length === 0 ? null : (
        <details>
          <summary>{trans._n('%1 place', 'the first %1 places', places.length)}</summary>
          <PlacesTable places={places} label={trans.__('What step %1 changed', effect.step)} trans={trans} />
        </details>
      )}
    </li>
  );
}

/** Effects of all steps. */
export function Effects(props: {
  effects: readonly IEffect[];
  leaks: readonly ILeak[];
  trans: TranslationBundle;
}): JSX.Element {
  return (
    <ol className="alphintra-Effects" aria-label={props.trans.__('What each step did')}>
      {props.effects.map(effect => (
        <Effect
          key={effect.step}
          effect={effect}
          leaks={props.leaks.filter(leak => leak.step === effect.step)}
          trans={props.trans}
        />
      ))}
    </ol>
  );
}

const NO_ROWS = { columns: [], rows: [] };

export function PreviewView({ preview, isOld, trans }: {
  preview: IRecipePreview;
  isOld: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const [side, setSide] = React.useState<'before' | 'after'>('after');
  const steps = new Set(preview.leaks.map(leak => leak.step));
  return (
    <section className="alphintra-Preview" aria-label={trans.__('Preview')} data-old={isOld}>
      <h3>{trans.__('Preview on some rows')}</h3>
      {isOld ? (
        <p className="alphintra-Preview-old" role="status">
          {trans.__('The recipe has changed since: preview it again.')}
        </p>
      ) : null}
      <p className={steps.size > 0 ? 'alphintra-Problem' : 'alphintra-muted'} role="status">
        {steps.size > 0
          ? trans._n(
            '%1 step looks ahead: do not trade on what it makes.',
            '%1 steps look ahead: do not trade on what they make.',
            steps.size
          )
          : preview.tried === 0
            ? trans.__('Whether a step looks ahead could not be tried: the sample leaves no rows for it.')
            : trans._n(
                'No step looks ahead: later rows were changed at %1 instant, and nothing before it moved.',
                'No step looks ahead: later rows were changed at %1 instants, and nothing before them moved.',
                preview.tried
              )}
      </p>
      <Effects effects={preview.effects} leaks={preview.leaks} trans={trans} />
      <div className="alphintra-Preview-sides" role="group" aria-label={trans.__('Which rows')}>
        {(['before', 'after'] as const).map(own => (
          <button
            key={own}
            type="button"
            className="alphintra-Button"
            aria-pressed={side === own}
            onClick={() => setSide(own)}
          >
            {own === 'before' ? trans.__('Rows before') : trans.__('Rows after')}
          </button>
        ))}
      </div>
      <RowsTable
        rows={preview[side] ?? NO_ROWS}
        label={side === 'before' ? trans.__('Rows before') : trans.__('Rows after')}
        trans={trans}
      />
    </section>
  );
}

/** The instruments of a file in which each has columns of its own: which are read, and what they are called. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { readInstruments, symbolsOf, withInstrument, writtenInstruments } from './instruments.js';
import type { IMappingForm } from './mapping.js';

interface IProps {
  form: IMappingForm;
  trans: TranslationBundle;
  onChange: (form: IMappingForm) => void;
}

export function Instruments({ form, trans, onChange }: IProps): JSX.Element {
  const [isOpen, setOpen] = React.useState(false);
  const { mapping, owners } = form;
  const written = writtenInstruments(owners);
  const read = readInstruments(mapping);
  const some = read.slice(0, 3).join(', ') + (read.length > 3 ? ', …' : '');
  const count =
    read.length === written.length
      ? trans._n('%1 instrument', '%1 instruments', read.length)
      : trans.__('%1 of %2 instruments', read.length, written.length);
  return (
    <details
      className="alphintra-Mapping-instruments"
      open={isOpen}
      onToggle={event => setOpen((event.target as HTMLDetailsElement).open)}
    >
      <summary>
        {count}
        <span className="alphintra-muted">{some}</span>
      </summary>
      {isOpen ? <List form={form} written={written} trans={trans} onChange={onChange} /> : null}
    </details>
  );
}

function List({ form, written, trans, onChange }: IProps & { written: readonly string[] }): JSX.Element {
  const { mapping, owners } = form;
  const symbols = symbolsOf(mapping, owners);
  const names = [...symbols.values()].map(name => name.trim());
  const isTwice = (name = ''): boolean => names.filter(own => own === name.trim()).length > 1;
  return (
    <>
      <p className="alphintra-muted">{trans.__('What the dataset is to call each; one without a name is left out.')}</p>
      <ul>
        {written.map(own => (
          <li key={own}>
            <span>{own}</span>
            <input
              className="alphintra-Input"
              aria-label={trans.__('What the dataset calls the instrument %1', own)}
              aria-invalid={isTwice(symbols.get(own))}
              spellCheck={false}
              placeholder={trans.__('left out')}
              value={symbols.get(own) ?? ''}
              onChange={event =>
                onChange({ ...form, mapping: withInstrument(mapping, owners, own, event.target.value) })
              }
            />
          </li>
        ))}
      </ul>
    </>
  );
}

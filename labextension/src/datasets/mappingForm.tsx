/** What a file is, as it was guessed: corrected here, with what only its owner knows asked first. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IInspected, IMapping } from '../api/datasets.js';
import { SelectField, TextField } from '../run/field.js';
import {
  IMappingForm,
  answer,
  complaintsOf,
  needsZone,
  openQuestions,
  withKind
} from './mapping.js';
import { About } from './mappingAbout.js';
import { EXAMPLES, Questions, zones } from './mappingQuestions.js';
import { Instruments } from './mappingInstruments.js';
import { EventFields, EventsNote } from './mappingEvents.js';
import { MappingTable } from './mappingTable.js';
import { adjustmentText, complaintText, kindText } from './words.js';

interface IProps {
  found: IInspected;
  form: IMappingForm;
  trans: TranslationBundle;
  /** Whether it is on its way to the server. */
  busy: boolean;
  /** Names of datasets that nobody's may have. */
  taken?: readonly string[];
  /** Why the last try made nothing of it. */
  problem: { text: string; details: readonly string[] } | null;
  onChange: (form: IMappingForm) => void;
  onImport: () => void;
  /** Discard the file; left out where it is not the user's to discard. */
  onDiscard?: () => void;
  /** What becomes of it where a connector says that: then it is not asked, and this is what its button does. */
  becomes?: { action: string; hint: string };
}

const KINDS = ['bars', 'ticks', 'features', 'reference'] as const;

/** Whose rows they are where that stands nowhere in the form, or how it is said that they are of many. */
function symbolHint(found: IInspected, mapping: IMapping, trans: TranslationBundle): string | null {
  if (mapping.symbol_from === 'column' || mapping.symbol_from === 'columns') {
    return null;
  }
  const named = found.reasons.find(own => own.field === 'symbol_from' && own.value === 'name');
  return mapping.symbol_from === 'name' && found.tables.length <= 1 && named
    ? `${named.reason.charAt(0).toUpperCase()}${named.reason.slice(1)}.`
    : trans.__('For many in one file, say in the table which column it is.');
}

/** How its rows are meant: bars or ticks, whose, when, adjusted for what. */
function Meaning(props: IProps): JSX.Element {
  const { found, form, trans, onChange } = props;
  const { mapping } = form;
  const hasColumn = mapping.symbol_from === 'column';
  const isEvents = mapping.kind === 'reference';
  const kinds = KINDS.filter(kind => kind !== 'reference' || mapping.symbol_from !== 'columns');
  return (
    <fieldset className="alphintra-Mapping-fields">
      <legend>{trans.__('How it is read')}</legend>
      <SelectField
        name="kind"
        label={trans.__('Rows are')}
        value={mapping.kind}
        options={kinds.map(kind => [kind, kindText(kind, trans)] as const)}
        complaint={null}
        onChange={kind => onChange({ ...form, mapping: withKind(mapping, kind, found) })}
      />
      {isEvents ? <EventFields {...props} /> : null}
      <SelectField
        name="symbol_from"
        label={trans.__('Symbol')}
        value={mapping.symbol_from}
        options={[
          ...(hasColumn ? [['column', trans.__('many: in a column')] as const] : []),
          ...(form.owners.length > 0 ? [['columns', trans.__('many: each in columns of its own')] as const] : []),
          ['fixed', trans.__('one: written here')] as const,
          ['name', found.tables.length > 1 ? trans.__('one a file: in its name') : trans.__('one: the name of the file')] as const
        ]}
        complaint={null}
        hint={symbolHint(found, mapping, trans)}
        onChange={from => onChange(answer(form, 'symbol_from', from))}
      />
      {mapping.symbol_from === 'columns' ? <Instruments form={form} trans={trans} onChange={onChange} /> : null}
      {mapping.symbol_from === 'fixed' ? (
        <TextField
          name="symbol"
          label=""
          value={mapping.symbol}
          placeholder="AAPL"
          complaint={mapping.symbol.trim() === '' ? trans.__('Write the symbol of these rows.') : null}
          onChange={symbol => onChange(answer(form, 'symbol', symbol))}
        />
      ) : null}
      {found.tables.length > 1 ? (
        <>
          {mapping.symbol_from === 'name' ? (
            <TextField
              name="symbol_pattern"
              label={trans.__('In the name')}
              value={mapping.symbol_pattern}
              placeholder={EXAMPLES.symbol_pattern}
              complaint={
                /^(|[^{}]*\{(symbol|SYMBOL)\}[^{}]*)$/.test(mapping.symbol_pattern)
                  ? null
                  : trans.__('Write {symbol} once, where the symbol is.')
              }
              hint={trans.__('{SYMBOL} takes it in capitals, * stands for anything.')}
              onChange={own => onChange(answer(form, 'symbol_pattern', own))}
            />
          ) : null}
          <TextField
            name="members"
            label={trans.__('Tables')}
            value={mapping.members}
            placeholder={trans.__('all')}
            complaint={null}
            hint={trans.__('Of the archive, such as %1.', EXAMPLES.members)}
            onChange={own => onChange(answer(form, 'members', own))}
          />
        </>
      ) : null}
      {isEvents ? null : <PriceFields {...props} />}
    </fieldset>
  );
}

/** On which clocks its times are, which end of a bar they tell, and what its prices are adjusted for. */
function PriceFields({ found, form, trans, onChange }: IProps): JSX.Element {
  const { mapping } = form;
  const isAsked = openQuestions(found, form).some(question => question.field === 'zone');
  const lacksZone = needsZone(form) && mapping.zone === null && !isAsked;
  return (
    <>
      <TextField
        name="zone"
        label={trans.__('Time zone')}
        value={needsZone(form) ? (mapping.zone ?? '') : ''}
        options={zones()}
        placeholder={needsZone(form) ? 'America/New_York' : trans.__('not needed')}
        disabled={!needsZone(form)}
        complaint={lacksZone ? trans.__('On which clocks are the times?') : null}
        hint={needsZone(form) ? trans.__('They are kept in UTC.') : trans.__('Days, or times that name their zone.')}
        onChange={zone => onChange(answer(form, 'zone', zone))}
      />
      <SelectField
        name="label"
        label={trans.__('A bar has')}
        value={mapping.label}
        disabled={mapping.kind !== 'bars'}
        options={[
          ['open', trans.__('the time of its open')],
          ['close', trans.__('the time of its close')],
          ['unknown', trans.__('not known')]
        ]}
        complaint={null}
        hint={
          mapping.label === 'unknown' ? trans.__('Counts as its open: then nothing is known too early.') : null
        }
        onChange={label => onChange(answer(form, 'label', label))}
      />
      <SelectField
        name="adjustment"
        label={trans.__('Prices are')}
        value={mapping.adjustment}
        options={(['raw', 'splits', 'splits_and_dividends', 'unknown'] as const).map(
          own => [own, adjustmentText(own, trans)] as const
        )}
        complaint={null}
        onChange={adjustment => onChange({ ...form, mapping: { ...mapping, adjustment } })}
      />
    </>
  );
}

export function MappingForm(props: IProps): JSX.Element {
  const { found, form, trans, problem, busy } = props;
  const complaints = complaintsOf(form, props.taken);
  const named = complaints.find(complaint => complaint.field === 'dataset');
  const open = openQuestions(found, form).length;
  const zoneMissing = needsZone(form) && form.mapping.zone === null;
  const first = complaints[0];
  const why =
    open > 0
      ? trans._n('%1 question is open', '%1 questions are open', open)
      : first
        ? complaintText(first, trans)
        : zoneMissing
          ? trans.__('On which clocks are the times?')
          : null;
  return (
    <form
      className="alphintra-Mapping"
      aria-busy={busy}
      onSubmit={event => {
        event.preventDefault();
        if (why === null && !busy) {
          props.onImport();
        }
      }}
    >
      {problem ? (
        <div className="alphintra-Problem" role="alert">
          {problem.text}
          {problem.details.length > 0 ? (
            <ul>
              {problem.details.map((item, i) => (
                <li key={i}>{item}</li>
              ))}
            </ul>
          ) : null}
        </div>
      ) : null}
      {found.remembered !== null ? (
        <p className="alphintra-muted">{trans.__('It is read as you had a file of these columns read before.')}</p>
      ) : null}
      {found.findings.length > 0 ? (
        <ul className="alphintra-Mapping-findings">
          {found.findings.slice(0, 10).map((own, i) => (
            <li key={i} className={`alphintra-Warning alphintra-mod-${own.severity}`}>
              {[own.message, own.line ? trans.__('line %1', own.line) : null].filter(Boolean).join(', ')}
            </li>
          ))}
        </ul>
      ) : null}
      <EventsNote {...props} />
      <Questions {...props} />
      <MappingTable
        found={found}
        form={form}
        wrong={new Set(complaints.map(complaint => complaint.field))}
        trans={trans}
        onChange={props.onChange}
      />
      <div className="alphintra-Mapping-columns" data-lm-suppress-shortcuts="true">
        <Meaning {...props} />
        {props.becomes ? null : <About {...props} nameComplaint={named ? complaintText(named, trans) : null} />}
      </div>
      <div className="alphintra-Mapping-foot">
        <button type="submit" className="alphintra-Button alphintra-mod-primary" disabled={why !== null || busy}>
          {props.becomes?.action ?? trans.__('Import')}
        </button>
        {props.onDiscard ? (
          <button type="button" className="alphintra-Button" onClick={props.onDiscard}>
            {trans.__('Discard the upload')}
          </button>
        ) : null}
        <span className={why === null ? 'alphintra-muted' : 'alphintra-Field-complaint'} role="status">
          {why ??
            props.becomes?.hint ??
            trans.__('All rows are read and checked by every rule; then it can be loaded.')}
        </span>
      </div>
    </form>
  );
}

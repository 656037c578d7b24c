/** The form that sets a connector up, or changes one: made of the server's schema, errors at their fields. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { ConnectorKind, IConnector } from '../api/connectors.js';
import { ApiError, describe } from '../api/problem.js';
import { useFocusAround, useKeptFocus } from '../keptFocus.js';
import { SelectField } from '../run/field.js';
import { Fields } from './fields.js';
import {
  IConnectorForm,
  Timing,
  commonFields,
  complaintsOf,
  placed,
  scheduleFields,
  secretFields,
  shownFields,
  sourceFields
} from './form.js';
import type { IConnectorSchema } from './schema.js';
import { complaintText, kindText, timingText } from './words.js';

interface IProps {
  schema: IConnectorSchema;
  /** The one that is changed; `null`: a new one is set up. */
  connector: IConnector | null;
  form: IConnectorForm;
  trans: TranslationBundle;
  onChange: (form: IConnectorForm) => void;
  /** Send it; rejects with what the server said. */
  onSend: (form: IConnectorForm) => Promise<void>;
  onLeave: () => void;
}

const TIMINGS: readonly Timing[] = ['hand', 'clock', 'close'];

/** What is said of the secrets that there are: names alone are known. */
function Kept(props: { connector: IConnector; forgets: boolean; trans: TranslationBundle; onForget: () => void }): JSX.Element | null {
  const { connector, forgets, trans } = props;
  if (connector.secrets.length === 0) {
    return null;
  }
  return (
    <p className="alphintra-Connector-kept">
      <span className="alphintra-muted">
        {forgets
          ? trans.__('What is set is forgotten: %1.', connector.secrets.join(', '))
          : trans.__('Set: %1. It stays unless you write another; nobody is shown it.', connector.secrets.join(', '))}
      </span>
      <button type="button" className="alphintra-Chip" aria-pressed={forgets} onClick={props.onForget}>
        {trans.__('forget it')}
      </button>
    </p>
  );
}

export function ConnectorFormView(props: IProps): JSX.Element {
  const { schema, connector, form, trans, onChange } = props;
  const isNew = connector === null;
  const [busy, setBusy] = React.useState(false);
  useKeptFocus(busy);
  const [refusal, setRefusal] = React.useState<unknown>(null);
  /** Nothing is complained of before somebody tried to send it. */
  const [isTried, setTried] = React.useState(false);
  const node = React.useRef<HTMLFormElement | null>(null);
  const hold = useFocusAround(node);
  const shown = shownFields(schema, form, isNew);
  const errors = refusal instanceof ApiError ? (refusal.problem.errors ?? []) : [];
  const { at, apart } = placed(errors, shown);
  const own = complaintsOf(schema, form, isNew);
  const complaints = new Map(at);
  if (isTried) {
    own.forEach(complaint => complaints.set(complaint.path, complaintText(complaint, trans)));
  }
  const told = refusal === null || at.size > 0 ? null : describe(refusal);
  // What is written after it was refused may be right: the server is asked again.
  const change = (next: Partial<IConnectorForm>): void => {
    setRefusal(null);
    onChange({ ...form, ...next });
  };
  const write = (path: string, text: string | boolean): void => change({ texts: { ...form.texts, [path]: text } });
  React.useEffect(() => {
    if (isTried || refusal !== null) {
      node.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    }
  }, [refusal]);
  const send = (): void => {
    setTried(true);
    if (own.length > 0) {
      const first = [...(node.current?.querySelectorAll<HTMLElement>('[data-field]') ?? [])].find(
        field => field.dataset.field === own[0]!.path
      );
      first?.querySelector<HTMLElement>('input, select, textarea')?.focus();
      return;
    }
    setBusy(true);
    setRefusal(null);
    props.onSend(form).catch((reason: unknown) => {
      setRefusal(reason);
      setBusy(false);
    });
  };
  const common = { form, complaints, trans, onWrite: write };
  const secrets = secretFields(schema, form.kind);
  const source = schema.sources.find(item => item.kind === form.kind);
  return (
    <form
      ref={hold}
      className="alphintra-Mapping alphintra-Connector-form"
      aria-label={isNew ? trans.__('A new connector') : trans.__('Change %1', connector.name)}
      aria-busy={busy}
      data-lm-suppress-shortcuts="true"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        if (!busy) {
          send();
        }
      }}
    >
      <div className="alphintra-Mapping-columns">
        <fieldset className="alphintra-Mapping-fields">
          <legend>{trans.__('Where rows come from')}</legend>
          <SelectField<ConnectorKind>
            name="kind"
            label={trans.__('Kind')}
            value={form.kind}
            disabled={!isNew}
            options={schema.sources.map(({ kind }) => [kind, kindText(kind, trans)] as const)}
            complaint={null}
            hint={source?.description}
            onChange={kind => {
              setTried(false);
              change({ kind });
            }}
          />
          <Fields
            {...common}
            fields={sourceFields(schema, form.kind)}
            fixed={isNew ? undefined : new Set(form.kind === 'exchange' ? ['source.timeframe'] : [])}
          />
          {secrets.length > 0 && connector ? (
            <Kept
              connector={connector}
              forgets={form.forgetsSecret}
              trans={trans}
              onForget={() => change({ forgetsSecret: !form.forgetsSecret })}
            />
          ) : null}
          <Fields {...common} fields={secrets} />
        </fieldset>
        <fieldset className="alphintra-Mapping-fields">
          <legend>{trans.__('What becomes of them')}</legend>
          <Fields {...common} fields={commonFields(schema, isNew)} />
        </fieldset>
        <fieldset className="alphintra-Mapping-fields">
          <legend>{trans.__('When it runs')}</legend>
          <SelectField<Timing>
            name="timing"
            label={trans.__('Runs')}
            value={form.timing}
            options={TIMINGS.map(timing => [timing, timingText(timing, trans)] as const)}
            complaint={null}
            hint={form.timing === 'hand' ? null : trans.__('However many times are missed, one run makes up for them.')}
            onChange={timing => change({ timing })}
          />
          <Fields {...common} fields={scheduleFields(schema, form.timing)} />
        </fieldset>
        {isNew && form.kind !== 'exchange' ? (
          <fieldset className="alphintra-Mapping-fields">
            <legend>{trans.__('What no file says of itself')}</legend>
            <Fields {...common} fields={schema.about} />
          </fieldset>
        ) : null}
      </div>
      {told || apart.length > 0 ? (
        <div className="alphintra-Problem" role="alert">
          {told?.text}
          {apart.map(text => (
            <div key={text}>{text}</div>
          ))}
        </div>
      ) : null}
      <div className="alphintra-Mapping-foot">
        <button type="submit" className="alphintra-Button alphintra-mod-primary" disabled={busy}>
          {isNew ? trans.__('Set it up') : trans.__('Save')}
        </button>
        <button type="button" className="alphintra-Button" onClick={props.onLeave}>
          {trans.__('Cancel')}
        </button>
        <span className={complaints.size > 0 ? 'alphintra-Field-complaint' : 'alphintra-muted'} role="status">
          {complaints.size > 0
            ? trans._n('%1 field is not right', '%1 fields are not right', complaints.size)
            : isNew
              ? trans.__('Nothing is fetched yet: run it then, or let its schedule.')
              : trans.__('A run that is under way goes on as it began.')}
        </span>
      </div>
    </form>
  );
}

/** With whom a dataset is shared, and how far: its owner alone sees and changes it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import type { GrantLevel, IDataset, IGrants } from '../api/datasets.js';
import { ApiError, refusalOf } from '../api/problem.js';
import { Failure } from '../failure.js';
import { useKeptFocus } from '../keptFocus.js';
import { grantText } from './words.js';

interface IProps {
  dataset: IDataset;
  client: Pick<Client, 'grants' | 'share'>;
  trans: TranslationBundle;
}

const LEVELS: readonly GrantLevel[] = ['READ', 'USE', 'EDIT'];

function LevelChoice(props: {
  value: GrantLevel;
  label: string;
  disabled: boolean;
  trans: TranslationBundle;
  onChange: (level: GrantLevel) => void;
}): JSX.Element {
  return (
    <select
      className="alphintra-Input"
      aria-label={props.label}
      value={props.value}
      disabled={props.disabled}
      onChange={event => props.onChange(event.target.value as GrantLevel)}
    >
      {LEVELS.map(level => (
        <option key={level} value={level}>
          {grantText(level, props.trans)}
        </option>
      ))}
    </select>
  );
}

/** Why it was not shared; where another name is probably meant, a button takes it. */
function Refusal(props: { reason: unknown; trans: TranslationBundle; onTake: (user: string) => void }): JSX.Element {
  const { reason, trans, onTake } = props;
  const told = refusalOf(reason);
  const meant = reason instanceof ApiError ? reason.problem.meant : undefined;
  return (
    <p className="alphintra-Field-complaint alphintra-Sharing-refusal" role="alert">
      {[told.text, ...told.details.slice(0, 1)].join(' ')}
      {meant === undefined ? null : (
        <button type="button" className="alphintra-Chip" onClick={() => onTake(meant)}>
          {trans.__('Take %1', meant)}
        </button>
      )}
    </p>
  );
}

function Adding(props: {
  busy: boolean;
  refusal: unknown;
  trans: TranslationBundle;
  onAdd: (user: string, level: GrantLevel) => Promise<boolean>;
}): JSX.Element {
  const { busy, refusal, trans } = props;
  const [user, setUser] = React.useState('');
  const [level, setLevel] = React.useState<GrantLevel>('USE');
  const input = React.useRef<HTMLInputElement>(null);
  return (
    <>
      <form
        className="alphintra-Sharing-add"
        onSubmit={event => {
          event.preventDefault();
          void props.onAdd(user.trim(), level).then(isAdded => {
            if (isAdded) {
              setUser('');
            }
          });
        }}
      >
        <input
          ref={input}
          className="alphintra-Input"
          placeholder={trans.__('User')}
          aria-label={trans.__('User to share it with')}
          maxLength={255}
          autoComplete="off"
          spellCheck={false}
          value={user}
          onChange={event => setUser(event.target.value)}
        />
        <LevelChoice
          value={level}
          label={trans.__('What they may do')}
          disabled={false}
          trans={trans}
          onChange={setLevel}
        />
        <button type="submit" className="alphintra-Button alphintra-mod-primary" disabled={busy || user.trim() === ''}>
          {trans.__('Share')}
        </button>
      </form>
      {refusal === null ? null : (
        <Refusal
          reason={refusal}
          trans={trans}
          onTake={meant => {
            setUser(meant);
            input.current?.focus();
          }}
        />
      )}
    </>
  );
}

export function SharingTab({ dataset, client, trans }: IProps): JSX.Element {
  const [found, setFound] = React.useState<IGrants | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [refusal, setRefusal] = React.useState<unknown>(null);
  const [busy, setBusy] = React.useState(false);
  useKeptFocus(busy);
  const [again, setAgain] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    let gone = false;
    setError(null);
    client.grants(dataset.id).then(
      answer => gone || setFound(answer),
      (reason: unknown) => gone || setError(reason)
    );
    return () => {
      gone = true;
    };
  }, [dataset.id, again]);
  const change = async (user: string, level: GrantLevel | null): Promise<boolean> => {
    setBusy(true);
    setRefusal(null);
    try {
      setFound(await client.share(dataset.id, user, level));
      return true;
    } catch (reason) {
      setRefusal(reason);
      return false;
    } finally {
      setBusy(false);
    }
  };
  if (error !== null) {
    return <Failure error={error} title={trans.__('It could not be read.')} trans={trans} onRetry={setAgain} />;
  }
  if (found === null) {
    return <div className="alphintra-Skeleton" aria-busy="true" style={{ width: '50%', height: 26 }} />;
  }
  const { grants, alone } = found;
  return (
    <div className="alphintra-Sharing" data-lm-suppress-shortcuts="true">
      {alone ? (
        <p className="alphintra-muted">
          {trans.__(
            'You are the only user of this installation: there is nobody to share it with. A server that tells its users apart shares among them.'
          )}
        </p>
      ) : (
        <>
          <p className="alphintra-muted">
            {trans.__(
              'Others see it in their list, and load it by its id. Only you share and delete it. Write the name that they log in with; somebody new has to open Alphintra once before.'
            )}
          </p>
          <Adding busy={busy} refusal={refusal} trans={trans} onAdd={change} />
        </>
      )}
      {grants.length === 0 ? (
        alone ? null : <p>{trans.__('It is shared with nobody.')}</p>
      ) : (
        <ul className="alphintra-Sharing-list" aria-label={trans.__('With whom it is shared')}>
          {grants.map(grant => (
            <li key={grant.user_id} data-user={grant.user_id}>
              <span className="alphintra-Sharing-who">
                <b title={grant.user_id}>{grant.user_id}</b>
                {grant.seen ? null : (
                  <span className="alphintra-Sharing-unseen">
                    <i aria-hidden="true">!</i> {trans.__('nobody of this name has been here')}
                  </span>
                )}
              </span>
              <LevelChoice
                value={grant.level}
                label={trans.__('What %1 may do', grant.user_id)}
                disabled={busy}
                trans={trans}
                onChange={level => void change(grant.user_id, level)}
              />
              <span className="alphintra-muted">{trans.__('since %1', grant.created_at.slice(0, 10))}</span>
              <button
                type="button"
                className="alphintra-IconButton"
                title={trans.__('Share no more with %1', grant.user_id)}
                aria-label={trans.__('Share no more with %1', grant.user_id)}
                disabled={busy}
                onClick={() => void change(grant.user_id, null)}
              >
                <closeIcon.react tag="span" elementSize="normal" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What is said of a dataset: its description and its tags, and the form that changes them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { useKeptFocus } from '../keptFocus.js';
import { tagsOf } from './words.js';

export interface IDescription {
  description: string;
  tags: string[];
}

/** The form; Escape leaves all as it was. */
export function DescriptionForm(props: {
  dataset: IDataset;
  trans: TranslationBundle;
  onSave: (change: IDescription) => Promise<void>;
  onLeave: () => void;
}): JSX.Element {
  const { dataset, trans, onLeave } = props;
  const [description, setDescription] = React.useState(dataset.description ?? '');
  const [tags, setTags] = React.useState(dataset.tags.join(', '));
  const [refusal, setRefusal] = React.useState<unknown>(null);
  const [busy, setBusy] = React.useState(false);
  useKeptFocus(busy);
  const told = refusal === null ? null : describe(refusal);
  return (
    <form
      className="alphintra-Describing"
      aria-label={trans.__('Description and tags')}
      data-lm-suppress-shortcuts="true"
      onSubmit={event => {
        event.preventDefault();
        setBusy(true);
        props.onSave({ description: description.trim(), tags: tagsOf(tags) }).then(onLeave, (reason: unknown) => {
          setRefusal(reason);
          setBusy(false);
        });
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          onLeave();
        }
      }}
    >
      <textarea
        className="alphintra-Input"
        rows={3}
        autoFocus
        maxLength={10_000}
        placeholder={trans.__('What it is, and where it comes from')}
        aria-label={trans.__('Description')}
        value={description}
        onChange={event => setDescription(event.target.value)}
      />
      <input
        className="alphintra-Input"
        placeholder={trans.__('Tags, with commas between')}
        aria-label={trans.__('Tags, with commas between')}
        value={tags}
        onChange={event => setTags(event.target.value)}
      />
      <div className="alphintra-Describing-actions">
        <button type="submit" className="alphintra-Button alphintra-mod-primary" disabled={busy}>
          {trans.__('Save')}
        </button>
        <button type="button" className="alphintra-Button" onClick={onLeave}>
          {trans.__('Cancel')}
        </button>
        {told ? (
          <span className="alphintra-Field-complaint" role="alert">
            {[told.text, ...told.details.slice(0, 1)].join(' ')}
          </span>
        ) : null}
      </div>
    </form>
  );
}

export function Description({ dataset, trans }: { dataset: IDataset; trans: TranslationBundle }): JSX.Element | null {
  if (!dataset.description && dataset.tags.length === 0) {
    return null;
  }
  return (
    <div className="alphintra-Dataset-description">
      {dataset.description ? <p>{dataset.description}</p> : null}
      {dataset.tags.length === 0 ? null : (
        <ul className="alphintra-Dataset-tags" aria-label={trans.__('Tags')}>
          {dataset.tags.map(tag => (
            <li key={tag} className="alphintra-Chip">
              {tag}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

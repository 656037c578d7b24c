/** The gallery of templates. */

import { Notification } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { Client } from '../api/client.js';
import { describe } from '../api/problem.js';
import type { ITemplate } from '../api/types.js';
import { Failure } from '../failure.js';

interface IProps {
  client: Client;
  trans: TranslationBundle;
  /** Open a cloned notebook. */
  onCloned: (path: string) => Promise<void>;
}

/** A parameter's default, whether the template gives a value or a whole description. */
export function defaultOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'default' in value) {
    return String((value as { default: unknown }).default);
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function Card(props: { template: ITemplate } & IProps): JSX.Element {
  const { template, trans, client, onCloned } = props;
  const [busy, setBusy] = React.useState(false);
  const titleId = React.useId();
  const clone = async (): Promise<void> => {
    setBusy(true);
    try {
      const { path } = await client.clone(template.id);
      await onCloned(path);
    } catch (error) {
      Notification.error(
        trans.__('The template could not be cloned. %1', describe(error).text)
      );
    } finally {
      setBusy(false);
    }
  };
  const parameters = Object.entries(template.parameters ?? {});
  const symbols = template.symbols ?? [];
  return (
    <li className="alphintra-Card" data-template={template.id} aria-labelledby={titleId}>
      <div className="alphintra-Card-tags">
        {template.category ? (
          <span className="alphintra-Chip">{template.category}</span>
        ) : null}
        {template.difficulty_level ? (
          <span className="alphintra-Chip">{template.difficulty_level.toLowerCase()}</span>
        ) : null}
      </div>
      <h3 id={titleId}>{template.name}</h3>
      <p className="alphintra-Card-text">{template.description}</p>
      <dl>
        <dt>{trans.__('Data')}</dt>
        <dd>
          {template.data ?? '\u2013'}
          {symbols.length > 0 ? (
            <span className="alphintra-muted"> ({symbols.join(', ')})</span>
          ) : null}
        </dd>
        <dt>{trans.__('Parameters')}</dt>
        <dd>
          {parameters.length === 0
            ? '\u2013'
            : parameters.map(([name, value]) => (
                <span key={name} className="alphintra-Chip">
                  {name} <b>{defaultOf(value)}</b>
                </span>
              ))}
        </dd>
      </dl>
      <button
        type="button"
        className="alphintra-Button alphintra-mod-primary"
        disabled={busy}
        aria-label={trans.__('Clone %1 to workspace', template.name)}
        onClick={() => void clone()}
      >
        {busy ? trans.__('Cloning\u2026') : trans.__('Clone to workspace')}
      </button>
    </li>
  );
}

function Gallery(props: IProps): JSX.Element {
  const { client, trans } = props;
  const [templates, setTemplates] = React.useState<ITemplate[] | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [attempt, setAttempt] = React.useState(0);
  React.useEffect(() => {
    let gone = false;
    client.templates().then(
      page => {
        if (!gone) {
          setTemplates(page.items);
          setError(null);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setError(reason);
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [client, attempt]);
  return (
    <div className="alphintra-Gallery">
      <h2>{trans.__('Templates')}</h2>
      <p className="alphintra-muted">
        {trans.__(
          'Each is a notebook on data that is shipped with Alphintra. A clone is yours: run all its cells, then change it.'
        )}
      </p>
      {error !== null ? (
        <Failure
          error={error}
          title={trans.__('The templates could not be read.')}
          trans={trans}
          onRetry={() => {
            setError(null);
            setAttempt(attempt + 1);
          }}
        />
      ) : templates === null ? (
        <ul className="alphintra-Cards" aria-busy="true" aria-label={trans.__('Loading')}>
          {[0, 1, 2].map(i => (
            <li key={i} className="alphintra-Card">
              <div className="alphintra-Skeleton" style={{ width: '60%', height: 20 }} />
              <div className="alphintra-Skeleton" style={{ height: 90 }} />
              <div className="alphintra-Skeleton" style={{ width: '80%', height: 40 }} />
            </li>
          ))}
        </ul>
      ) : templates.length === 0 ? (
        <div className="alphintra-Panel-message">
          <p>
            {trans.__(
              'No templates are installed. The package ships three; install it again to get them back.'
            )}
          </p>
          <button
            type="button"
            className="alphintra-Button"
            onClick={() => setAttempt(attempt + 1)}
          >
            {trans.__('Look again')}
          </button>
        </div>
      ) : (
        <ul className="alphintra-Cards">
          {templates.map(template => (
            <Card key={template.id} {...props} template={template} />
          ))}
        </ul>
      )}
    </div>
  );
}

export class GalleryWidget extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.addClass('alphintra-GalleryWidget');
    this.node.tabIndex = 0;
  }

  protected override render(): JSX.Element {
    return <Gallery {...this._options} />;
  }

  private _options: IProps;
}

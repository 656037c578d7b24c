/** The levels of the sandbox, explained: which one jobs have, which one notebooks have, what the others are. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { ISystem } from '../api/types.js';
import type { SystemModel } from './system.js';

type Sandbox = ISystem['sandbox'];

/** How notebooks are kept, in a sentence; `null` where the server does not say. */
export function kernelSentence(sandbox: Sandbox, trans: TranslationBundle): string | null {
  const level = sandbox.kernel_level;
  if (level === null || level === undefined) {
    return null;
  }
  const network =
    sandbox.network === true
      ? trans.__('with network')
      : sandbox.network === false
        ? trans.__('without network')
        : null;
  return trans.__('Notebooks: %1.', [level, network].filter(Boolean).join(', '));
}

function Level(props: { name: string; text: string | null | undefined }): JSX.Element {
  return (
    <>
      <dt className={props.name === 'none' ? 'alphintra-mod-bad' : ''}>{props.name}</dt>
      <dd>{props.text}</dd>
    </>
  );
}

function Explanation(props: { sandbox: Sandbox; trans: TranslationBundle }): JSX.Element {
  const { sandbox, trans } = props;
  const { level, kernel_level: kernel, levels = {} } = sandbox;
  const others = Object.entries(levels).filter(([name]) => name !== level && name !== kernel);
  return (
    <>
      <section>
        <h3>{trans.__('Jobs')}</h3>
        <dl>
          <Level name={level} text={sandbox.description} />
        </dl>
        <p>
          {level === 'none'
            ? sandbox.jobs_allowed
              ? trans.__(
                  'Backtests and checks run as you, with your files and your network. Run only code that you trust.'
                )
              : trans.__(
                  'So no job is run. Where you trust all code that is run, set AlphintraServer.allow_unsandboxed_jobs=True and start the server again.'
                )
            : trans.__('Backtests, checks and whatever else the server starts; they never have a network.')}
        </p>
      </section>
      {kernel ? (
        <section>
          <h3>{trans.__('Notebooks')}</h3>
          <dl>
            <Level
              name={kernel}
              text={
                // The texts of the levels are about jobs, which have no network.
                kernel === level && kernel !== 'none'
                  ? trans.__('The same sandbox; it may write the workspace, and keeps a home of its own.')
                  : levels[kernel]
              }
            />
          </dl>
          <p>
            {sandbox.network === true
              ? trans.__('The network is on: a notebook can fetch data and install packages.')
              : sandbox.network === false
                ? trans.__('The network is off: a notebook reaches nothing outside of its sandbox.')
                : null}{' '}
            {trans.__(
              'A cell that you run acts for you in this page: the sandbox guards against accidents, not against a notebook that means harm.'
            )}
          </p>
        </section>
      ) : null}
      {others.length > 0 ? (
        <details>
          <summary>{trans.__('The other levels')}</summary>
          <dl>
            {others.map(([name, text]) => (
              <Level key={name} name={name} text={text} />
            ))}
          </dl>
        </details>
      ) : null}
    </>
  );
}

export class SandboxExplanation extends ReactWidget {
  constructor(
    private readonly _system: SystemModel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('alphintra-Sandbox');
    this.node.setAttribute('role', 'dialog');
    this.node.setAttribute('aria-label', _trans.__('Sandbox'));
    this.node.tabIndex = -1;
    _system.changed.connect(() => this.update(), this);
  }

  protected override render(): JSX.Element {
    const sandbox = this._system.value?.sandbox;
    return sandbox ? (
      <Explanation sandbox={sandbox} trans={this._trans} />
    ) : (
      <p>{this._trans.__('The server has not said yet.')}</p>
    );
  }
}

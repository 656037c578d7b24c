/** The Variables panel: what the notebook in front has at hand, as it is now. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, refreshIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { Failure } from '../failure.js';
import { useSignals } from '../lists/redraw.js';
import { IconButton, Rows } from '../lists/rows.js';
import { SearchField } from '../lists/search.js';
import { ListSkeleton, Told } from '../lists/states.js';
import { CommandIDs } from '../tokens.js';
import { variablesIcon } from './icon.js';
import type { ILoss, VariablesModel } from './model.js';
import type { IListing } from './payload.js';
import { VariableRow } from './row.js';
import { clockText, groupText, inGroups, leftOut, lossText } from './words.js';

interface IProps {
  model: VariablesModel;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** The object whose view is open in front. */
  current: () => string | null;
}

function List({ listing, ...props }: IProps & { listing: IListing }): JSX.Element {
  const { model, trans, commands } = props;
  const current = props.current();
  const omitted = leftOut(listing, trans);
  return (
    <div className="alphintra-Variables">
      {inGroups(listing.variables).map(({ group, variables }) => (
        <section key={group}>
          <h3 className="alphintra-Variables-group">{groupText(group, trans)}</h3>
          <Rows label={groupText(group, trans)} ids={variables.map(variable => variable.name)} current={current}>
            {variables.map(variable => (
              <VariableRow
                key={variable.name}
                variable={variable}
                moved={model.moved.has(variable.name)}
                current={variable.name === current}
                trans={trans}
                onOpen={() => void commands.execute(CommandIDs.openVariable, { name: variable.name })}
              />
            ))}
          </Rows>
        </section>
      ))}
      {listing.variables.length === 0 ? (
        <p className="alphintra-Panel-message alphintra-muted">{trans.__('No object has these letters in its name.')}</p>
      ) : null}
      {omitted ? <p className="alphintra-Panel-message alphintra-muted">{omitted}</p> : null}
    </div>
  );
}

function Content(props: IProps): JSX.Element {
  const { model, trans, commands } = props;
  const run = (command: string): void => void commands.execute(command);
  switch (model.state) {
    case 'no-notebook':
      return (
        <Told
          isPrimary
          text={trans.__(
            'Here are the trading objects of the notebook in front: results, sweeps, strategies, market data, models. Open a notebook, or start from a template.'
          )}
          label={trans.__('Browse templates')}
          onPress={() => run(CommandIDs.openTemplates)}
        />
      );
    case 'no-kernel':
      return (
        <Told
          isPrimary
          text={trans.__('The notebook has no kernel, so it has no objects yet.')}
          label={trans.__('Choose a kernel')}
          onPress={() => run('notebook:change-kernel')}
        />
      );
    case 'other-kernel':
      return (
        <Told
          isPrimary
          text={trans.__(
            'The notebook runs on another kernel, which does not know what a trading object is. With the Alphintra kernel they are listed here, also without the debugger.'
          )}
          label={trans.__('Change the kernel')}
          onPress={() => run('notebook:change-kernel')}
        />
      );
    case 'dead':
      return (
        <Told
          isProblem
          isPrimary
          text={trans.__('The kernel has ended, and its objects with it. Restart it and run the cells again.')}
          label={trans.__('Restart the kernel')}
          onPress={() => run('notebook:restart-kernel')}
        />
      );
    case 'lost':
      return (
        <Told
          isProblem
          isPrimary
          text={lossText(model.loss as ILoss, trans)}
          label={trans.__('Run all cells')}
          onPress={() => run('notebook:run-all-cells')}
        />
      );
    case 'loading':
      return <ListSkeleton widths={['60%', '85%', '35%']} trans={trans} />;
    case 'error':
      return (
        <Failure
          error={model.error}
          title={trans.__('The objects could not be listed.')}
          trans={trans}
          onRetry={() => model.refresh()}
        />
      );
    case 'ready':
      break;
  }
  const listing = model.listing as IListing;
  if (listing.variables.length === 0 && model.filter === '') {
    return (
      <>
        <Told
          isPrimary
          text={trans.__(
            'No trading objects yet. What a cell gives a name appears here while it still runs: result = al.backtest(…), data = al.data.load(…), a strategy class, a DataFrame, a model. The debugger need not be on.'
          )}
          label={trans.__('New strategy')}
          onPress={() => run(CommandIDs.newStrategy)}
        />
        <p className="alphintra-Panel-message alphintra-muted">{leftOut(listing, trans)}</p>
      </>
    );
  }
  return <List {...props} listing={listing} />;
}

/** Above the list: what keeps it from being as it is now. */
function Lateness({ model, trans }: IProps): JSX.Element | null {
  if (model.state !== 'ready') {
    return null;
  }
  const at = clockText(model.listedAt);
  if (model.isLate) {
    return (
      <p className="alphintra-Problem" role="status">
        {trans.__('The kernel does not answer at the moment. The list is as it was at %1.', at)}
      </p>
    );
  }
  return model.error !== null ? (
    <p className="alphintra-Problem" role="status">
      {trans.__('The list is as it was at %1; the kernel is asked again.', at)}
    </p>
  ) : null;
}

/** Below the list: from when it is. */
function Foot({ model, trans }: IProps): JSX.Element | null {
  if (model.state !== 'ready') {
    return null;
  }
  return (
    <div className="alphintra-Panel-foot">
      <i className={`alphintra-Variables-live ${model.isBusy ? 'alphintra-mod-busy' : ''}`} aria-hidden="true" />
      <span className="alphintra-muted">
        {model.isBusy
          ? trans.__('Running · as of %1', clockText(model.listedAt))
          : trans.__('As of %1', clockText(model.listedAt))}
      </span>
    </div>
  );
}

function Body(props: IProps): JSX.Element {
  const { model, trans, commands } = props;
  useSignals(model.changed);
  const path = model.target?.path ?? '';
  return (
    <>
      <div className="alphintra-Panel-head">
        <h2>{trans.__('Variables')}</h2>
        <span className="alphintra-Variables-notebook" title={path}>
          {path.split('/').at(-1)}
        </span>
        <IconButton
          label={trans.__('Look again')}
          icon={refreshIcon}
          onPress={() => void commands.execute(CommandIDs.refreshVariables)}
        />
      </div>
      <div className="alphintra-Panel-filter" data-lm-suppress-shortcuts="true">
        <SearchField
          placeholder={trans.__('Filter: name')}
          label={trans.__('Filter the objects by name')}
          value={model.filter}
          isHere
          disabled={model.state !== 'ready'}
          onSearch={words => {
            model.filter = words;
          }}
        />
      </div>
      <Lateness {...props} />
      <div className="alphintra-Panel-body">
        <Content {...props} />
      </div>
      <Foot {...props} />
    </>
  );
}

export class VariablesPanel extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.id = 'alphintra-variables';
    this.title.icon = variablesIcon;
    this.title.caption = options.trans.__('Variables');
    this.addClass('alphintra-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', options.trans.__('Variables'));
    document.addEventListener('visibilitychange', this._watch);
  }

  override dispose(): void {
    document.removeEventListener('visibilitychange', this._watch);
    super.dispose();
  }

  protected override render(): JSX.Element {
    return <Body {...this._options} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._watch();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._watch();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._watch();
  }

  protected override onBeforeDetach(message: Message): void {
    this._options.model.isWatched = false;
    super.onBeforeDetach(message);
  }

  /** A kernel is asked only while somebody can see the answer. */
  private _watch = (): void => {
    this._options.model.isWatched = this.isVisible && document.visibilityState === 'visible';
  };

  private _options: IProps;
}

/** The head of a dataset: what it is, how it is loaded, what can be done with it, what has to be known. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset, IDatasetVersion } from '../api/datasets.js';
import { bytesText } from '../jobs/words.js';
import { CopyButton } from '../result/header.js';
import { Description, DescriptionForm, IDescription } from './editing.js';
import {
  adjustmentText,
  assetText,
  clockText,
  datasetState,
  loadingCode,
  nameInCode,
  rowsText,
  sharedText,
  sourceText,
  spanText,
  symbolsText
} from './words.js';

interface IProps {
  dataset: IDataset;
  /** The version that is shown; `null` for what ships. */
  version: IDatasetVersion | null;
  /** Whether it holds splits and dividends, and no prices. */
  isEvents: boolean;
  trans: TranslationBundle;
  /** What is being done with it; it has its place all the time. */
  progress: React.ReactNode;
  /** Change what is said of it; `null` where that is not for this user to do, as for what follows. */
  onDescribe: ((change: IDescription) => Promise<void>) | null;
  onCheck: (() => void) | null;
  onDelete: (() => void) | null;
}

function chipsOf({ dataset, version, isEvents, trans }: IProps): string[] {
  const of = version ?? dataset;
  return [
    sourceText(dataset.source, trans),
    sharedText(dataset, trans),
    // Events have neither bars nor prices of which there was anything to tell.
    isEvents ? null : assetText(dataset.asset_class),
    isEvents ? null : of.timeframe,
    symbolsText({ symbols: dataset.symbols, symbol_count: of.symbol_count }, trans),
    rowsText(of.row_count, trans),
    spanText(of),
    bytesText(of.file_size),
    dataset.currency,
    dataset.calendar,
    dataset.adjustment && !isEvents ? adjustmentText(dataset.adjustment, trans) : null,
    isEvents ? null : clockText(of.timeframe, dataset.time_zone, trans),
    dataset.license
  ].filter((text): text is string => Boolean(text));
}

/** What can be done with it: further buttons have their place here. */
function Actions(props: IProps & { code: string; edit: React.Ref<HTMLButtonElement>; onEdit: () => void }): JSX.Element {
  const { trans, code, edit, onDescribe, onCheck, onDelete, onEdit } = props;
  const button = (label: string, onPress: () => void, ref?: React.Ref<HTMLButtonElement>): JSX.Element => (
    <button ref={ref} type="button" className="alphintra-Button" onClick={onPress}>
      {label}
    </button>
  );
  return (
    <div
      className="alphintra-Header-actions alphintra-Dataset-actions"
      role="toolbar"
      aria-label={trans.__('What can be done with it')}
    >
      <CopyButton
        text={code}
        title={trans.__('Copy the code that loads it: %1', code)}
        label={trans.__('Copy code')}
        done={trans.__('Copied')}
      />
      {onCheck ? button(trans.__('Check again\u2026'), onCheck) : null}
      {onDescribe ? button(trans.__('Edit'), onEdit, edit) : null}
      {onDelete ? button(trans.__('Delete\u2026'), onDelete) : null}
    </div>
  );
}

export function Header(props: IProps): JSX.Element {
  const { dataset, version, trans } = props;
  const [isEdited, setEdited] = React.useState(false);
  const edit = React.useRef<HTMLButtonElement>(null);
  const wasEdited = React.useRef(false);
  React.useEffect(() => {
    // The form that had the focus is gone: it is again where it was opened. Who went on elsewhere stays there.
    if (wasEdited.current && !isEdited && document.activeElement === document.body) {
      edit.current?.focus();
    }
    wasEdited.current = isEdited;
  }, [isEdited]);
  const number = version?.number ?? dataset.version;
  const code = loadingCode(nameInCode(dataset), number);
  return (
    <>
      <header className="alphintra-Header">
        <div className="alphintra-Header-facts">
          <h2>
            <bdi>{dataset.name}</bdi>
            {number === null ? null : <span className="alphintra-Dataset-version">@{number}</span>}
          </h2>
          {chipsOf(props).map((text, i) => (
            <span key={i} className="alphintra-Chip">
              {text}
            </span>
          ))}
        </div>
        <Actions {...props} code={code} edit={edit} onEdit={() => setEdited(true)} />
      </header>
      <div className="alphintra-Dataset-line">
        <code className="alphintra-Dataset-code">{code}</code>
        {props.progress}
      </div>
      {isEdited && props.onDescribe ? (
        <DescriptionForm dataset={dataset} trans={trans} onSave={props.onDescribe} onLeave={() => setEdited(false)} />
      ) : (
        <Description dataset={dataset} trans={trans} />
      )}
      <Warnings {...props} />
    </>
  );
}

function Warnings({ dataset, version, isEvents, trans }: IProps): JSX.Element | null {
  const state = datasetState(version ?? dataset, trans);
  const told = [
    state.kind === 'errors'
      ? ['error', '\u2715', trans.__('%1: until it is mended or accepted, nothing runs on this version', state.text)]
      : state.kind === 'unchecked'
        ? ['warning', '!', state.text]
        : null,
    (version ?? dataset).sealed ? ['info', '\u26bf', trans.__('Sealed: its files are encrypted')] : null,
    dataset.simulated ? ['warning', '!', trans.__('Simulated: nobody traded at these prices')] : null,
    isEvents
      ? ['info', 'i', trans.__('Splits, dividends, symbols: chosen as such in a run, it trades raw prices through them')]
      : dataset.tradable === false
        ? ['info', 'i', trans.__('Without open, high, low and close: nothing can be filled against it')]
        : null
  ].filter((own): own is string[] => own !== null);
  return told.length === 0 ? null : (
    <div className="alphintra-Warnings">
      <div className="alphintra-Warnings-strip">
        {told.map(([kind, mark, text]) => (
          <span key={text} className={`alphintra-Warning alphintra-mod-${kind}`}>
            <i aria-hidden="true">{mark}</i> {text}
          </span>
        ))}
      </div>
    </div>
  );
}


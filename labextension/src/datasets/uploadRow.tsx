/** One upload under way in the panel: how far it is, and what it needs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IUploadError } from '../api/datasets.js';
import { ApiError, describe } from '../api/problem.js';
import type { IJob } from '../api/types.js';
import { Bar, JobProgress } from '../jobs/progress.js';
import { bytesText, etaText, percentText } from '../jobs/words.js';
import { Row, RowButton } from '../lists/rows.js';
import { FRUITLESS, IUploadItem } from './uploads.js';

interface IProps {
  upload: IUploadItem;
  /** The job that works on it, while it does. */
  job: IJob | undefined;
  trans: TranslationBundle;
  onOpen: () => void;
  /** Choose its file again: it goes on from what is here, or is sent anew. */
  onChoose: () => void;
  /** End the upload, or take it from the list where nothing came of it. */
  onDiscard: () => void;
  onStopJob: (id: string) => void;
}

/** Why the bytes do not go on just now: the server does not answer, or says why not yet. */
function waitingText(error: unknown, trans: TranslationBundle): string {
  return error instanceof ApiError && !error.unreachable
    ? trans.__('waits: %1', describe(error).text)
    : trans.__('waits for the connection');
}

/** The bytes on their way, with a bar and a button that ends them. */
export function SendingProgress(props: {
  upload: IUploadItem;
  trans: TranslationBundle;
  onChoose?: () => void;
  onDiscard: () => void;
}): JSX.Element {
  const { upload, trans, onChoose } = props;
  const { sender } = upload;
  const share = upload.length === 0 ? 1 : upload.received / upload.length;
  const left = sender?.secondsLeft ?? null;
  const isStill = sender === null || sender.state === 'waiting';
  const doing =
    sender === null
      ? trans.__('%1: add the file again', percentText(share))
      : sender.state === 'waiting'
        ? waitingText(sender.error, trans)
        : trans.__('%1 of %2', bytesText(upload.received), bytesText(upload.length));
  return (
    <div className="alphintra-Progress">
      <div className="alphintra-Progress-line">
        <span className="alphintra-Progress-doing" title={doing}>
          {doing}
        </span>
        {left === null ? null : <span className="alphintra-Progress-left">{etaText(left, trans)}</span>}
        {sender === null && onChoose ? (
          <RowButton
            className="alphintra-Chip"
            aria-label={trans.__('Go on with %1: choose the file', upload.filename)}
            onPress={onChoose}
          >
            {trans.__('go on\u2026')}
          </RowButton>
        ) : null}
        <RowButton
          className="alphintra-Chip"
          aria-label={trans.__('Cancel the upload of %1', upload.filename)}
          onPress={props.onDiscard}
        >
          {trans.__('cancel')}
        </RowButton>
      </div>
      <Bar
        job={{ status: 'RUNNING', phase: null, progress: share }}
        text={doing}
        stale={isStill}
        trans={trans}
      />
    </div>
  );
}

/** Why nothing came of an upload, and what to do where the server says it. */
export function errorText(error: IUploadError | null): string | undefined {
  const parts = [error?.message, error?.hint].filter((part): part is string => Boolean(part));
  return parts.length === 0 ? undefined : parts.map(sentence).join(' ');
}

/** A message as a sentence: those of the reader of files begin small and have no full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!:]$/.test(text) ? '' : '.'}`;
}

/** What tells an upload from the others of the list. */
export function uploadKey(upload: IUploadItem): string {
  return upload.id ?? upload.filename;
}

export function UploadRow(props: IProps): JSX.Element {
  const { upload, job, trans } = props;
  const isFruitless = FRUITLESS.includes(upload.state);
  const canOpen = upload.id !== null && upload.state !== 'RECEIVING' && !isFruitless;
  const error = upload.sender?.state === 'failed' ? describe(upload.sender.error).text : errorText(upload.error);
  const discard = (label: string): JSX.Element => (
    <RowButton
      className="alphintra-Chip"
      aria-label={trans.__('%1: %2', upload.filename, label)}
      onPress={props.onDiscard}
    >
      {label}
    </RowButton>
  );
  return (
    <Row
      id={uploadKey(upload)}
      label={upload.filename}
      className="alphintra-Upload"
      data-upload={upload.id ?? ''}
      data-state={upload.state}
      onOpen={canOpen ? props.onOpen : undefined}
      onKey={event => {
        if (event.key === 'Delete') {
          event.preventDefault();
          props.onDiscard();
        }
      }}
    >
      <div className="alphintra-Item-line">
        <b title={upload.filename}>{upload.filename}</b>
        {isFruitless ? (
          <span className="alphintra-Upload-when alphintra-muted" title={upload.at.slice(0, 16).replace('T', ' ')}>
            {upload.at.slice(0, 10)}
          </span>
        ) : null}
      </div>
      {upload.state === 'RECEIVING' ? (
        <SendingProgress upload={upload} trans={trans} onChoose={props.onChoose} onDiscard={props.onDiscard} />
      ) : upload.state === 'INSPECTED' || upload.state === 'RECEIVED' ? (
        <div className="alphintra-Item-line">
          <span className="alphintra-Upload-ask">
            {error ?? (upload.state === 'INSPECTED' ? trans.__('How is it read?') : trans.__('Not looked at yet'))}
          </span>
          <RowButton className="alphintra-Chip" onPress={props.onOpen}>
            {trans.__('open')}
          </RowButton>
          {discard(trans.__('discard'))}
        </div>
      ) : isFruitless ? (
        <>
          <div className="alphintra-Item-error alphintra-Upload-why" title={error}>
            {error ?? (upload.state === 'FAILED' ? trans.__('It could not be read.') : trans.__('It was not gone on with.'))}
          </div>
          <div className="alphintra-Item-line">
            <RowButton
              className="alphintra-Chip"
              aria-label={trans.__('%1: choose the file again', upload.filename)}
              onPress={props.onChoose}
            >
              {trans.__('upload again\u2026')}
            </RowButton>
            {discard(trans.__('dismiss'))}
          </div>
        </>
      ) : (
        <JobProgress
          job={job ?? { status: 'PENDING', phase: null, progress: null }}
          name={upload.filename}
          trans={trans}
          narrow
          onStop={() => {
            if (upload.jobId !== null) {
              props.onStopJob(upload.jobId);
            }
          }}
        />
      )}
    </Row>
  );
}

/** Errors of the server, `application/problem+json` read into one shape. */

import type { IDiagnostic } from './types.js';

export interface IFieldError {
  field: string;
  message: string;
}

/** A dataset that was made of another, and the versions of it that were. */
export interface IDerived {
  dataset_id: string;
  name: string;
  versions: number[];
}

export interface IProblem {
  /** The HTTP status, 0 when there was no answer. */
  status: number;
  title: string;
  detail?: string;
  /** A stable upper-case code, where the server gives one. */
  code?: string;
  errors?: IFieldError[];
  diagnostics?: IDiagnostic[];
  /** Of what cannot be deleted: what was made of it. */
  derived?: IDerived[];
  /** Of a name that nobody has: the one that is probably meant. */
  meant?: string;
  /** After how many seconds the server may be asked again, where it says so. */
  retryAfter?: number;
}

export class ApiError extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
  }

  /** Whether there was no answer at all. */
  get unreachable(): boolean {
    return this.problem.status === 0;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Read the body of a failed request; what is not a problem document gives its status line. */
export function problemFrom(
  status: number,
  statusText: string,
  body: unknown,
  retryAfter: string | null = null
): IProblem {
  const problem: IProblem = { status, title: statusText || `HTTP ${status}` };
  // A date, which the header may be as well, is none of this server's.
  if (retryAfter !== null && /^\d+$/.test(retryAfter)) {
    problem.retryAfter = Number(retryAfter);
  }
  if (!isRecord(body)) {
    return problem;
  }
  if (typeof body.title === 'string') {
    problem.title = body.title;
  }
  if (typeof body.code === 'string') {
    problem.code = body.code;
  }
  const detail = body.detail ?? body.message;
  if (typeof detail === 'string') {
    problem.detail = detail;
  }
  if (Array.isArray(body.errors)) {
    problem.errors = body.errors.filter(
      (item): item is IFieldError =>
        isRecord(item) && typeof item.message === 'string'
    );
  }
  if (Array.isArray(body.diagnostics)) {
    problem.diagnostics = body.diagnostics as IDiagnostic[];
  }
  if (Array.isArray(body.derived)) {
    problem.derived = body.derived as IDerived[];
  }
  if (typeof body.did_you_mean === 'string') {
    problem.meant = body.did_you_mean;
  }
  return problem;
}

/** What went wrong and the details to fold away, from anything that was thrown. */
export function describe(error: unknown): { text: string; details: string[] } {
  if (error instanceof ApiError) {
    const { title, detail, errors, status } = error.problem;
    if (error.unreachable) {
      // What the browser says of it, such as "Failed to fetch", helps only who looks for the cause.
      return { text: 'The server does not answer.', details: [title] };
    }
    const details = (errors ?? []).map(item =>
      item.field ? `${item.field}: ${item.message}` : item.message
    );
    if (detail && title !== detail) {
      details.unshift(title);
    }
    if (status > 0) {
      details.push(`HTTP ${status}`);
    }
    return { text: detail || title, details };
  }
  return {
    text: error instanceof Error ? error.message : String(error),
    details: []
  };
}

/** Why a form was refused: what was said, and of its fields what that does not say already; no codes of HTTP. */
export function refusalOf(error: unknown): { text: string; details: string[] } {
  const { text } = describe(error);
  const errors = error instanceof ApiError ? (error.problem.errors ?? []) : [];
  const details = errors.filter(item => !text.includes(item.message));
  return { text, details: details.map(({ field, message }) => (field ? `${field}: ${message}` : message)) };
}

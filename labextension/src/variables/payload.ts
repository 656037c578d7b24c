/** What Alphintra's kernel says of a notebook's variables, read from an answer that may be anything. */

/** The groups of the list, in the order in which the kernel sends them. */
export const GROUPS = ['result', 'study', 'replay', 'strategy', 'data', 'model', 'table', 'job'] as const;

export type Group = (typeof GROUPS)[number];

/** A trading object of the notebook. */
export interface IVariable {
  readonly name: string;
  readonly group: Group;
  readonly type: string;
  /** Such as `3 270 bars`; empty where it has none. */
  readonly size: string;
  /** Memory of its data, where that is known. */
  readonly bytes: number | null;
  readonly summary: string;
  /** Another one when the name stands for another object. */
  readonly id: string;
}

export interface IListing {
  readonly variables: readonly IVariable[];
  /** How many there are, of which the first are listed. */
  readonly total: number;
  /** Variables that are no trading objects. */
  readonly others: number;
  /** What it took the kernel. */
  readonly seconds: number;
}

/** A MIME bundle. */
export type Bundle = Readonly<Record<string, unknown>>;

/** How far the view of an object is. */
export type ViewState =
  | { readonly ticket: string; readonly state: 'working' }
  | { readonly ticket: string; readonly state: 'done'; readonly data: Bundle }
  | { readonly ticket: string; readonly state: 'failed'; readonly message: string };

type Values = Record<string, unknown>;

function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVariable(value: unknown): value is IVariable {
  return (
    isRecord(value) &&
    ['name', 'type', 'size', 'summary', 'id'].every(key => typeof value[key] === 'string') &&
    (GROUPS as readonly unknown[]).includes(value.group) &&
    (value.bytes === null || typeof value.bytes === 'number')
  );
}

/** The list in an answer, or that the kernel is at it; `null` where it is neither. */
export function listingOf(body: unknown): IListing | 'working' | null {
  if (isRecord(body) && body.state === 'working') {
    return 'working';
  }
  if (!isRecord(body) || !Array.isArray(body.variables) || !body.variables.every(isVariable)) {
    return null;
  }
  const { total, others, seconds } = body;
  return typeof total === 'number' && typeof others === 'number' && typeof seconds === 'number'
    ? { variables: body.variables, total, others, seconds }
    : null;
}

/** The state of a view in an answer; `null` where it is none. */
export function viewOf(body: unknown): ViewState | null {
  if (!isRecord(body) || typeof body.ticket !== 'string') {
    return null;
  }
  const { ticket, state, data, message } = body;
  if (state === 'working') {
    return { ticket, state };
  }
  if (state === 'done' && isRecord(data)) {
    return { ticket, state, data };
  }
  return state === 'failed' ? { ticket, state, message: typeof message === 'string' ? message : '' } : null;
}

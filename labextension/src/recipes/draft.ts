/** A step while it is written: each parameter as it stands in its field, and what the server is given of it. No DOM. */

import type { IParameter, IStepKind } from './schema.js';

/** What stands in the fields of a step, by parameter; what is not there has its default. */
export type Texts = Readonly<Record<string, string | boolean>>;

/** What is wrong with a field as it is written. */
export type FieldComplaint =
  | 'missing'
  | 'no-number'
  | 'not-whole'
  | 'out-of-bounds'
  | 'no-pair'
  | 'no-choice'
  | 'no-event';

export type Read = { value: unknown } | { complaint: FieldComplaint } | { absent: true };

/** Words with commas between. */
export function listOf(text: string): string[] {
  return text.split(',').map(part => part.trim()).filter(Boolean);
}

function shownNumber(value: unknown): string {
  return typeof value === 'number' ? String(value) : '';
}

/** A value as it stands in its field. */
export function textOf(parameter: IParameter, value: unknown): string | boolean {
  switch (parameter.kind) {
    case 'yes':
      return value === true;
    case 'number':
    case 'whole':
      return shownNumber(value);
    case 'columns':
      return Array.isArray(value) ? value.join(', ') : '';
    case 'choices by column':
    case 'numbers by name':
      return Object.entries((value ?? {}) as Record<string, unknown>)
        .map(([name, own]) => `${name}=${String(own)}`)
        .join(', ');
    case 'events':
      return (Array.isArray(value) ? (value as Record<string, unknown>[]) : [])
        .map(event => EVENT_FIELDS.map(name => event[name] ?? '').join(' ').trim())
        .join('\n');
    default:
      return typeof value === 'string' ? value : '';
  }
}

const EVENT_FIELDS = ['symbol', 'kind', 'ex_date', 'value', 'known_from'] as const;

/** What stands in a field: what was written, or the default. */
export function fieldText(parameter: IParameter, texts: Texts): string | boolean {
  return texts[parameter.name] ?? textOf(parameter, parameter.default);
}

function readNumber(text: string, { kind, low, high }: IParameter): Read {
  const value = Number(text);
  if (!Number.isFinite(value)) {
    return { complaint: 'no-number' };
  }
  if ((low !== null && value < low) || (high !== null && value > high)) {
    return { complaint: 'out-of-bounds' };
  }
  return kind === 'whole' && !Number.isInteger(value) ? { complaint: 'not-whole' } : { value };
}

/** `close=last, volume=sum`. */
function readPairs(text: string, parameter: IParameter): Read {
  const value: Record<string, string | number> = {};
  for (const part of listOf(text)) {
    const at = part.lastIndexOf('=');
    const [name, own] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at < 1 || own === '') {
      return { complaint: 'no-pair' };
    }
    if (parameter.kind === 'numbers by name') {
      if (!Number.isFinite(Number(own))) {
        return { complaint: 'no-number' };
      }
      value[name] = Number(own);
    } else if (parameter.choices.includes(own)) {
      value[name] = own;
    } else {
      return { complaint: 'no-choice' };
    }
  }
  return { value };
}

/** A line for each: `AAPL split 2020-08-31 4`, and at its end, where it was known later, since when. */
function readEvents(text: string): Read {
  const value: Record<string, unknown>[] = [];
  for (const line of text.split('\n').filter(own => own.trim() !== '')) {
    const [symbol, kind, day, amount, since, ...rest] = line.trim().split(/[\s,;]+/);
    const isOne = (kind === 'split' || kind === 'dividend') && day && amount && Number.isFinite(Number(amount));
    if (!isOne || rest.length > 0) {
      return { complaint: 'no-event' };
    }
    value.push({ symbol, kind, ex_date: day, value: Number(amount), ...(since ? { known_from: since } : {}) });
  }
  return value.length === 0 ? { complaint: 'missing' } : { value };
}

/** What an empty field means. */
function nothing(parameter: IParameter): Read {
  return parameter.isOptional ? { absent: true } : { complaint: 'missing' };
}

/** What a field means; `absent` where it is left to its default. */
export function readField(parameter: IParameter, written: string | boolean): Read {
  if (typeof written === 'boolean') {
    return written === (parameter.default === true) ? { absent: true } : { value: written };
  }
  const text = parameter.kind === 'text' ? written : written.trim();
  if (text === '' && parameter.isRequired) {
    return { complaint: 'missing' };
  }
  if (text === textOf(parameter, parameter.default)) {
    return { absent: true };
  }
  switch (parameter.kind) {
    case 'number':
    case 'whole':
      return text === '' ? nothing(parameter) : readNumber(text, parameter);
    case 'columns':
      return { value: listOf(text) };
    case 'choices by column':
    case 'numbers by name':
      return readPairs(text, parameter);
    case 'events':
      return readEvents(text);
    case 'column':
      return text === '' ? nothing(parameter) : { value: text };
    default:
      // An empty text says something of its own where the default is another one: no suffix.
      return text === '' && parameter.isOptional ? { absent: true } : { value: text };
  }
}

/** What the server is given of a step, and what is wrong with its fields. */
export function readStep(
  kind: IStepKind,
  texts: Texts
): { step: Record<string, unknown>; complaints: Record<string, FieldComplaint> } {
  const step: Record<string, unknown> = { kind: kind.kind };
  const complaints: Record<string, FieldComplaint> = {};
  for (const parameter of kind.parameters) {
    const read = readField(parameter, fieldText(parameter, texts));
    if ('value' in read) {
      step[parameter.name] = read.value;
    } else if ('complaint' in read) {
      complaints[parameter.name] = read.complaint;
    }
  }
  return { step, complaints };
}

/** The fields of a step that was given as JSON: of what the kind does not have, nothing. */
export function textsOf(kind: IStepKind, step: Readonly<Record<string, unknown>>): Texts {
  return Object.fromEntries(
    kind.parameters
      .filter(parameter => step[parameter.name] !== undefined)
      .map(parameter => [parameter.name, textOf(parameter, step[parameter.name])])
  );
}

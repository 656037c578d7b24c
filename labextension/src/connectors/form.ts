/** A connector while it is written: what each field holds, what is wrong with it, what is sent of it. No DOM. */

import type { IFieldError } from '../api/problem.js';
import type { ConnectorKind, IConnector, ISchedule } from '../api/connectors.js';
import { IConnectorSchema, IFormField, fieldOfError } from './schema.js';

/** When it runs by itself: only by hand, at times of a clock, or after an exchange's close. */
export type Timing = 'hand' | 'clock' | 'close';

export interface IConnectorForm {
  kind: ConnectorKind;
  timing: Timing;
  /** What was written, by path; what was not is as it stands in the schema. */
  texts: Readonly<Record<string, string | boolean>>;
  /** Secrets that the server is to forget; a new one takes the place of all. */
  forgetsSecret: boolean;
}

/** A field, what is wrong with it, and a bound that it breaks. */
export interface IFormComplaint {
  path: string;
  kind: 'missing' | 'no-number' | 'out-of-bounds' | 'no-time' | 'no-pair' | 'not-like-this';
  detail?: string;
}

export function emptyForm(schema: IConnectorSchema): IConnectorForm {
  return { kind: schema.sources[0]?.kind ?? 'http', timing: 'hand', texts: {}, forgetsSecret: false };
}

/** How a value is written. */
function textOf(field: IFormField, value: unknown): string | boolean {
  if (field.kind === 'yes') {
    return value === true;
  }
  if (value === null || value === undefined) {
    return '';
  }
  if (Array.isArray(value)) {
    return value.join(', ');
  }
  return field.kind === 'time' ? String(value).replace(/T00:00:00(\.0+)?(Z|\+00:00)$/, '') : String(value);
}

/** What a field holds. */
export function fieldText(field: IFormField, { texts }: IConnectorForm): string | boolean {
  return texts[field.path] ?? (field.kind === 'pairs' ? '' : textOf(field, field.default));
}

export function timingOf(schedule: ISchedule | null): Timing {
  return schedule === null ? 'hand' : schedule.cron !== null ? 'clock' : 'close';
}

/** The form of one that there is; its secrets are not known. */
export function formOf(connector: IConnector, schema: IConnectorSchema): IConnectorForm {
  const texts: Record<string, string | boolean> = {};
  const whole = connector as unknown as Record<string, unknown>;
  const { kind } = connector.source;
  const fields = [...(schema.sources.find(own => own.kind === kind)?.fields ?? []), ...schema.common, ...schema.schedule];
  for (const field of fields) {
    const [first, second] = field.path.split('.');
    const at = second === undefined ? whole : (whole[first!] as Record<string, unknown> | null);
    if (at && field.name in at) {
      texts[field.path] = textOf(field, at[field.name]);
    }
  }
  return { kind, timing: timingOf(connector.schedule), texts, forgetsSecret: false };
}

/** Fields of the source that is chosen. */
export function sourceFields(schema: IConnectorSchema, kind: ConnectorKind): readonly IFormField[] {
  return schema.sources.find(own => own.kind === kind)?.fields ?? [];
}

/** Secrets that a kind of source takes. */
export function secretFields(schema: IConnectorSchema, kind: ConnectorKind): readonly IFormField[] {
  return schema.secrets.filter(field => field.kinds === null || field.kinds.includes(kind));
}

/** What a schedule of this kind has to say. */
export function scheduleFields(schema: IConnectorSchema, timing: Timing): readonly IFormField[] {
  const names = { hand: [], clock: ['cron', 'time_zone'], close: ['after_close', 'minutes'] }[timing] as string[];
  return schema.schedule
    .filter(field => names.includes(field.name))
    .map(field => (field.name === 'cron' || field.name === 'after_close' ? { ...field, isRequired: true } : field));
}

/** What can only be said when it is set up. */
const ONCE: readonly string[] = ['dataset', 'description', 'tags'];

/** Fields that every kind has, in the order in which they are shown; `paused` is a button. */
export function commonFields(schema: IConnectorSchema, isNew: boolean): readonly IFormField[] {
  return schema.common.filter(field => field.name !== 'paused' && (isNew || !ONCE.includes(field.name)));
}

/** All fields that the form shows. */
export function shownFields(schema: IConnectorSchema, form: IConnectorForm, isNew: boolean): readonly IFormField[] {
  return [
    ...commonFields(schema, isNew),
    ...sourceFields(schema, form.kind),
    ...secretFields(schema, form.kind),
    ...scheduleFields(schema, form.timing),
    ...(isNew && form.kind !== 'exchange' ? schema.about : [])
  ];
}

const listed = (text: string): string[] => text.split(/[,\n]/).map(own => own.trim()).filter(Boolean);

/** Headers as they are written, one a line: `Authorization: Bearer …`; `null` where a line is none. */
export function pairsOf(text: string): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const line of text.split('\n').filter(own => own.trim() !== '')) {
    const at = line.indexOf(':');
    if (at < 1) {
      return null;
    }
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

/** A date, or a time; a date is its beginning in UTC. `null` where it is neither. */
export function momentOf(text: string): string | null {
  const written = text.trim();
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(written) ? `${written}T00:00:00Z` : written.replace(' ', 'T');
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(whole) ? whole : `${whole}Z`;
  return /^\d{4}-\d{2}-\d{2}T/.test(whole) && !Number.isNaN(Date.parse(zoned)) ? zoned : null;
}

function complaintOf(field: IFormField, form: IConnectorForm): IFormComplaint | null {
  const { path, kind } = field;
  const text = fieldText(field, form);
  if (typeof text === 'boolean') {
    return null;
  }
  const written = text.trim();
  if (written === '') {
    return field.isRequired ? { path, kind: 'missing' } : null;
  }
  if (kind === 'whole') {
    const value = Number(written);
    if (!/^-?\d+$/.test(written)) {
      return { path, kind: 'no-number' };
    }
    const isOut = (field.low !== null && value < field.low) || (field.high !== null && value > field.high);
    return isOut ? { path, kind: 'out-of-bounds', detail: `${field.low ?? ''} \u2013 ${field.high ?? ''}` } : null;
  }
  if (kind === 'time') {
    return momentOf(written) === null ? { path, kind: 'no-time' } : null;
  }
  if (kind === 'pairs') {
    return pairsOf(text) === null ? { path, kind: 'no-pair' } : null;
  }
  const pattern = field.pattern === null ? null : new RegExp(field.pattern, 'u');
  const wrong = pattern && (kind === 'list' ? listed(text) : [written]).find(own => !pattern.test(own));
  return wrong === undefined || wrong === null ? null : { path, kind: 'not-like-this', detail: wrong };
}

/** What is wrong with it, as far as it can be told without the server. */
export function complaintsOf(schema: IConnectorSchema, form: IConnectorForm, isNew: boolean): IFormComplaint[] {
  return shownFields(schema, form, isNew)
    .map(field => complaintOf(field, form))
    .filter((own): own is IFormComplaint => own !== null);
}

/** What a field says; `undefined` where it says nothing. */
function valueOf(field: IFormField, form: IConnectorForm): unknown {
  const text = fieldText(field, form);
  if (typeof text === 'boolean') {
    return text;
  }
  const written = text.trim();
  if (written === '') {
    return undefined;
  }
  switch (field.kind) {
    case 'whole':
      return Number(written);
    case 'list':
      return listed(text);
    case 'pairs':
      return pairsOf(text) ?? undefined;
    case 'time':
      return momentOf(written) ?? undefined;
    default:
      return written;
  }
}

function said(fields: readonly IFormField[], form: IConnectorForm): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(field => [field.name, valueOf(field, form)]).filter(([, value]) => value !== undefined)
  );
}

/** What its secret fields hold; `null` where they are empty. */
export function secretOf(schema: IConnectorSchema, form: IConnectorForm): Record<string, unknown> | null {
  const given = said(secretFields(schema, form.kind), form);
  return Object.keys(given).length > 0 ? given : null;
}

function scheduleOf(schema: IConnectorSchema, form: IConnectorForm): Record<string, unknown> | null {
  return form.timing === 'hand' ? null : said(scheduleFields(schema, form.timing), form);
}

/** What is sent to set one up. */
export function newBody(schema: IConnectorSchema, form: IConnectorForm): Record<string, unknown> {
  const secret = secretOf(schema, form);
  return {
    ...said(commonFields(schema, true), form),
    source: { kind: form.kind, ...said(sourceFields(schema, form.kind), form) },
    ...(secret ? { secret } : {}),
    ...(form.kind === 'exchange' ? {} : { about: said(schema.about, form) }),
    schedule: scheduleOf(schema, form)
  };
}

/** What is sent to change one: as much as was changed. */
export function changeBody(
  schema: IConnectorSchema,
  form: IConnectorForm,
  connector: IConnector
): Record<string, unknown> {
  const before = formOf(connector, schema);
  const change: Record<string, unknown> = {};
  const differs = (fields: readonly IFormField[]): boolean =>
    fields.some(field => fieldText(field, form) !== fieldText(field, before));
  for (const field of commonFields(schema, false)) {
    if (differs([field])) {
      change[field.name] = valueOf(field, form) ?? null;
    }
  }
  const source = sourceFields(schema, form.kind);
  if (differs(source)) {
    change.source = { kind: form.kind, ...said(source, form) };
  }
  const secret = secretOf(schema, form);
  if (secret || (form.forgetsSecret && connector.secrets.length > 0)) {
    change.secret = secret;
  }
  if (form.timing !== before.timing || differs(scheduleFields(schema, form.timing))) {
    change.schedule = scheduleOf(schema, form);
  }
  return change;
}

/** Errors of the server at their fields, and those that belong to none. */
export function placed(
  errors: readonly IFieldError[],
  fields: readonly IFormField[]
): { at: ReadonlyMap<string, string>; apart: readonly string[] } {
  const at = new Map<string, string>();
  const apart: string[] = [];
  for (const { field, message } of errors) {
    const own = fieldOfError(field, fields);
    if (own === null) {
      apart.push(field ? `${field}: ${message}` : message);
    } else if (!at.has(own)) {
      at.set(own, message);
    }
  }
  return { at, apart };
}

/** The fields of a connector, as the server's description of its interface has them. No DOM. */

import type { ConnectorKind, IInterface, ISchemaPart } from '../api/connectors.js';

/** How a field is written. */
export type FieldKind = 'text' | 'long' | 'whole' | 'yes' | 'choice' | 'list' | 'pairs' | 'time';

export interface IFormField {
  /** Where it belongs in what is sent, such as `source.url`. */
  path: string;
  /** The last part of the path. */
  name: string;
  kind: FieldKind;
  description: string;
  isRequired: boolean;
  /** Whether leaving it empty says nothing of it. */
  isOptional: boolean;
  /** Its value where it is not given. */
  default: unknown;
  choices: readonly string[];
  low: number | null;
  high: number | null;
  /** Of a text, or of each text of a list. */
  pattern: string | null;
  most: number | null;
  /** Kinds of sources that have it; `null`: all. */
  kinds: readonly string[] | null;
}

export interface ISourceKind {
  kind: ConnectorKind;
  description: string;
  fields: readonly IFormField[];
}

export interface IConnectorSchema {
  sources: readonly ISourceKind[];
  /** What connectors of all kinds have, beside the parts below. */
  common: readonly IFormField[];
  about: readonly IFormField[];
  secrets: readonly IFormField[];
  schedule: readonly IFormField[];
}

/** Texts that may be longer are written over several lines. */
const LONG = 4_999;
/** Parts with a form of their own, and what another part of the panel says. */
const APART: readonly string[] = ['source', 'secret', 'mapping', 'about', 'schedule'];

class Reader {
  constructor(private readonly _schemas: Record<string, ISchemaPart>) {}

  /** Follow a reference, and leave out that it may be null. */
  resolve(part: ISchemaPart | undefined): { part: ISchemaPart; isOptional: boolean } {
    if (part?.$ref) {
      return this.resolve(this._schemas[part.$ref.replace(/^.*\//, '')]);
    }
    const forms = part?.anyOf;
    if (!part || !forms) {
      return { part: part ?? {}, isOptional: false };
    }
    const { part: inner } = this.resolve(forms.find(own => own.type !== 'null'));
    const { anyOf: _, ...said } = part;
    return { part: { ...inner, ...said }, isOptional: forms.some(own => own.type === 'null') };
  }

  /** The fields of an object; those with one value alone are none. */
  fields(part: ISchemaPart, prefix: string, apart: readonly string[] = []): IFormField[] {
    return Object.entries(part.properties ?? {})
      .filter(([name, property]) => !apart.includes(name) && property.const === undefined)
      .map(([name, property]) => this._field(prefix + name, name, property, part.required?.includes(name) ?? false));
  }

  private _field(path: string, name: string, given: ISchemaPart, isRequired: boolean): IFormField {
    const { part, isOptional } = this.resolve(given);
    const { part: text } = part.type === 'array' ? this.resolve(part.items) : { part };
    return {
      path,
      name,
      kind: kindOf(part),
      description: part.description ?? '',
      isRequired,
      isOptional,
      default: part.default ?? null,
      choices: part.enum ?? [],
      low: part.minimum ?? null,
      high: part.maximum ?? null,
      pattern: text.pattern ?? null,
      most: part.maxItems ?? part.maxLength ?? null,
      kinds: part['x-kinds'] ?? null
    };
  }
}

function kindOf(part: ISchemaPart): FieldKind {
  if (part.enum) {
    return 'choice';
  }
  switch (part.type) {
    case 'integer':
      return 'whole';
    case 'boolean':
      return 'yes';
    case 'array':
      return 'list';
    case 'object':
      return 'pairs';
    default:
      return part.format === 'date-time' ? 'time' : (part.maxLength ?? 0) > LONG ? 'long' : 'text';
  }
}

/** Read what a new connector needs. Throws where the server describes none. */
export function connectorSchema({ components }: IInterface): IConnectorSchema {
  const reader = new Reader(components.schemas);
  const whole = components.schemas.ConnectorCreate;
  const forms = whole?.properties?.source?.oneOf;
  if (!whole || !forms) {
    throw new Error('The server does not describe its connectors.');
  }
  const part = (name: string): ISchemaPart => reader.resolve(whole.properties?.[name]).part;
  return {
    sources: forms.map(form => {
      const { part: source } = reader.resolve(form);
      return {
        kind: source.properties?.kind?.const as ConnectorKind,
        description: source.description ?? '',
        fields: reader.fields(source, 'source.')
      };
    }),
    common: reader.fields(whole, '', APART),
    about: reader.fields(part('about'), 'about.'),
    secrets: reader.fields(part('secret'), 'secret.'),
    schedule: reader.fields(part('schedule'), 'schedule.')
  };
}

/** What the field of an error is, among those that a form has: the nearest that holds it; `null` for none. */
export function fieldOfError(error: string, fields: readonly IFormField[]): string | null {
  // The kind of a source stands in the path where the server tells which of several forms was given.
  const path = error.replace(/^source\.(http|exchange|postgresql)(\.|$)/, 'source$2');
  const held = fields
    .map(field => field.path)
    .filter(own => path === own || path.startsWith(`${own}.`))
    .sort((a, b) => b.length - a.length);
  return held[0] ?? null;
}

/** The steps that there are, as the server's JSON Schema tells them: what a form of one needs. No DOM. */

/** How a parameter is written; the server has no other ones. */
export type ParameterKind =
  | 'number'
  | 'whole'
  | 'yes'
  | 'choice'
  | 'text'
  | 'column'
  | 'columns'
  | 'instant'
  | 'formula'
  | 'dataset'
  | 'choices by column'
  | 'numbers by name'
  | 'events';

export interface IParameter {
  name: string;
  kind: ParameterKind;
  description: string;
  unit: string | null;
  /** Whether it has to be given. */
  isRequired: boolean;
  /** Whether leaving it empty says something of its own. */
  isOptional: boolean;
  /** Its value where it is not given. */
  default: unknown;
  /** What may be chosen: of one, or for each column. */
  choices: readonly string[];
  low: number | null;
  high: number | null;
}

export interface IStepKind {
  kind: string;
  description: string;
  parameters: readonly IParameter[];
}

interface IProperty {
  description?: string;
  'x-kind'?: string;
  'x-unit'?: string;
  type?: string | string[];
  enum?: (string | null)[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  additionalProperties?: { enum?: string[] };
}

export interface IRecipeSchema {
  items: {
    oneOf: { title: string; description: string; properties: Record<string, IProperty>; required?: string[] }[];
  };
}

function parameterOf(name: string, property: IProperty, isRequired: boolean): IParameter {
  const choices = property.enum ?? property.additionalProperties?.enum ?? [];
  return {
    name,
    kind: (property['x-kind'] ?? 'text') as ParameterKind,
    description: property.description ?? '',
    unit: property['x-unit'] ?? null,
    isRequired,
    isOptional: Array.isArray(property.type) && property.type.includes('null'),
    default: property.default ?? null,
    choices: choices.filter((own): own is string => own !== null),
    low: property.minimum ?? null,
    high: property.maximum ?? null
  };
}

/** The kinds of steps in their order. What may only be false, because it would look ahead, is no field of a form. */
export function stepKinds(schema: IRecipeSchema): IStepKind[] {
  return schema.items.oneOf.map(({ title, description, properties, required }) => ({
    kind: title,
    description,
    parameters: Object.entries(properties)
      .filter(([name, property]) => name !== 'kind' && property.const === undefined)
      .map(([name, property]) => parameterOf(name, property, required?.includes(name) ?? false))
  }));
}

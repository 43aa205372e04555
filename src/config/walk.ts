/** Walking through the schema as data: for unknown keys, and for the sample. */
import * as v from 'valibot';

/** What stands above an option in the sample, and the value that it shows where there is no default. */
export interface About extends Readonly<Record<string, unknown>> {
  readonly text: string;
  readonly example?: string | number;
  /** The sample gives the example without a comment sign: the option has to be filled in. */
  readonly fill?: boolean;
}

type AnyObject = v.ObjectSchema<Readonly<Record<string, v.GenericSchema>>, string>;
type AnyArray = v.ArraySchema<v.GenericSchema, string>;
type AnyOptional = v.OptionalSchema<v.GenericSchema, unknown>;

/** The schema of what is written, where it need not be. */
export function required(schema: v.GenericSchema): v.GenericSchema {
  return schema.type === 'optional' ? (schema as AnyOptional).wrapped : schema;
}

/** The options of a table by name, or undefined for what is no table. */
export function optionsOf(schema: v.GenericSchema): Readonly<Record<string, v.GenericSchema>> | undefined {
  const inner = required(schema);
  return inner.type === 'object' ? (inner as AnyObject).entries : undefined;
}

/** The schema of an array's items, or undefined for what is no array. */
export function itemOf(schema: v.GenericSchema): v.GenericSchema | undefined {
  const inner = required(schema);
  return inner.type === 'array' ? (inner as AnyArray).item : undefined;
}

export function aboutOf(schema: v.GenericSchema): About | undefined {
  const metadata = v.getMetadata(required(schema));
  return 'text' in metadata ? (metadata as About) : undefined;
}

export function defaultOf(schema: v.GenericSchema): unknown {
  return schema.type === 'optional' ? (schema as AnyOptional).default : undefined;
}

/** A TOML table, and not an array or a date. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

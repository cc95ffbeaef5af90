/**
 * The part of OpenAPI v3 that a structural CustomResourceDefinition schema may use, and the short
 * constructors the schema files are written with. Every constructor demands a description, so a
 * field of ours cannot go without one.
 */

export interface ValidationRule {
  rule: string;
  message: string;
}

export interface Schema {
  description?: string;
  type?: "object" | "array" | "string" | "integer" | "boolean";
  format?: string;
  default?: unknown;
  enum?: readonly (string | number)[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  pattern?: string;
  anyOf?: readonly { type: string }[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  required?: readonly string[];
  "x-kubernetes-int-or-string"?: true;
  "x-kubernetes-list-type"?: "atomic" | "map" | "set";
  "x-kubernetes-list-map-keys"?: readonly string[];
  "x-kubernetes-map-type"?: "atomic" | "granular";
  "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** A property table that must name every field of `T`, and no other. */
export type PropertiesOf<T> = { [Field in keyof Required<T>]: Schema };

type Rest = Omit<Partial<Schema>, "type" | "description">;

export function string(description: string, rest: Rest = {}): Schema {
  return { description, type: "string", ...rest };
}

export function choice(description: string, values: readonly string[], rest: Rest = {}): Schema {
  return { description, type: "string", enum: values, ...rest };
}

export function integer(description: string, rest: Rest = {}): Schema {
  return { description, type: "integer", format: "int32", ...rest };
}

export function object(
  description: string,
  properties: Record<string, Schema>,
  rest: Rest = {},
): Schema {
  return { description, type: "object", ...rest, properties };
}

export function list(description: string, items: Schema, rest: Rest = {}): Schema {
  return { description, type: "array", "x-kubernetes-list-type": "atomic", ...rest, items };
}

export function map(description: string, values: Schema, rest: Rest = {}): Schema {
  return { description, type: "object", ...rest, additionalProperties: values };
}

/** A resource quantity: YAML may hold it as a number (2) or as text (500m). */
export function quantity(description: string): Schema {
  return {
    description,
    anyOf: [{ type: "integer" }, { type: "string" }],
    pattern: "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$",
    "x-kubernetes-int-or-string": true,
  };
}

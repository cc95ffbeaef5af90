/**
 * Checks values against the part of JSON Schema that docs/openapi.yaml uses. A keyword that is not
 * known here is an error, so that no rule of the document goes unchecked.
 */
type Schema = Readonly<Record<string, unknown>>;
type Check = (value: unknown, rule: unknown, context: Context) => readonly string[];

interface Context {
  /** The whole document, for references. */
  readonly document: Schema;
  /** The schema whose keyword this is. */
  readonly schema: Schema;
  /** Where in the value. */
  readonly path: string;
}

/** What is wrong with `value`; nothing if it is as the schema says. */
export function violations(value: unknown, schema: Schema, document: Schema): readonly string[] {
  return check(value, { document, schema, path: "$" });
}

function check(value: unknown, context: Context): readonly string[] {
  return Object.entries(context.schema).flatMap(([keyword, rule]) => {
    const known = keywords[keyword];
    return known === undefined
      ? [`${context.path}: the keyword ${keyword} is not known to this check`]
      : known(value, rule, context);
  });
}

const annotation: Check = () => [];

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function expect(holds: boolean, { path }: Context, message: string): readonly string[] {
  return holds ? [] : [`${path}: ${message}`];
}

const keywords: Readonly<Record<string, Check>> = {
  description: annotation,
  example: annotation,
  format: annotation,
  default: annotation,
  $ref: (value, rule, context) => {
    const steps = String(rule).split("/").slice(1);
    const target = steps.reduce<unknown>(
      (at, step) => (isObject(at) ? at[step] : undefined),
      context.document,
    );
    if (!isObject(target)) return [`${context.path}: ${String(rule)} leads nowhere`];
    return check(value, { ...context, schema: target });
  },
  type: (value, rule, context) => {
    const found = typeOf(value);
    const fits = found === rule || (rule === "number" && found === "integer");
    return expect(fits, context, `is ${found}, not ${String(rule)}`);
  },
  const: (value, rule, context) => expect(value === rule, context, `is not ${String(rule)}`),
  enum: (value, rule, context) =>
    expect((rule as unknown[]).includes(value), context, `is not one of ${String(rule)}`),
  pattern: (value, rule, context) =>
    expect(new RegExp(String(rule)).test(String(value)), context, `does not match ${String(rule)}`),
  minimum: (value, rule, context) =>
    expect(Number(value) >= Number(rule), context, `is below ${String(rule)}`),
  maxItems: (value, rule, context) =>
    expect(!Array.isArray(value) || value.length <= Number(rule), context, "has too many items"),
  minLength: (value, rule, context) =>
    expect(String(value).length >= Number(rule), context, "is too short"),
  maxLength: (value, rule, context) =>
    expect(String(value).length <= Number(rule), context, "is too long"),
  required: (value, rule, context) =>
    (rule as string[]).flatMap((name) =>
      expect(isObject(value) && Object.hasOwn(value, name), context, `lacks ${name}`),
    ),
  properties: (value, rule, context) =>
    Object.entries(rule as Record<string, Schema>).flatMap(([name, schema]) =>
      isObject(value) && Object.hasOwn(value, name)
        ? check(value[name], { ...context, schema, path: `${context.path}.${name}` })
        : [],
    ),
  additionalProperties: (value, _rule, context) => {
    const named = Object.keys(context.schema["properties"] ?? {});
    const more = isObject(value) ? Object.keys(value).filter((name) => !named.includes(name)) : [];
    return expect(more.length === 0, context, `has ${more.join()} beside what is documented`);
  },
  items: (value, rule, context) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, index) =>
          check(item, { ...context, schema: rule as Schema, path: `${context.path}[${index}]` }),
        )
      : [],
  allOf: (value, rule, context) =>
    (rule as Schema[]).flatMap((schema) => check(value, { ...context, schema })),
  oneOf: (value, rule, context) => {
    const results = (rule as Schema[]).map((schema) => check(value, { ...context, schema }));
    const fitting = results.filter((found) => found.length === 0).length;
    return expect(
      fitting === 1,
      context,
      `fits ${fitting} of the alternatives: ${results.flat().join()}`,
    );
  },
};

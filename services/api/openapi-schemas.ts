import { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Formats that make the pattern beside them redundant. */
const PLAIN_FORMATS: readonly unknown[] = ['date', 'date-time', 'uuid'];

/** The schemas with a name of their own (`meta({ id })`), collected while others are described. */
export class Components {
  readonly schemas: Record<string, JsonSchema> = {};

  /**
   * Describes one schema as in OpenAPI 3.1; named schemas inside it become references.
   * @param io parameters and answers are described as the output of their schemas, bodies as the input
   */
  describe(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const whole = z.toJSONSchema(schema, {
      io,
      target: 'draft-2020-12',
      override: ({ jsonSchema }) => plain(jsonSchema),
    });
    const {
      $schema: _,
      $defs = {},
      ...described
    } = JSON.parse(JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema & {
      '~standard'?: unknown;
    };
    Object.assign(this.schemas, $defs);
    return described;
  }
}

/** Rewrites a schema so that code generators understand it. */
function plain(schema: JsonSchema): void {
  const { instead, propertyNames, additionalProperties, ...rest } = schema;
  if (instead !== undefined) {
    const { description } = schema;
    replace(schema, { ...(description === undefined ? {} : { description }), ...(instead as JsonSchema) });
  } else if (isNames(propertyNames)) {
    // A record with known names becomes an object with these properties.
    const properties = Object.fromEntries(propertyNames.enum.map((name) => [name, additionalProperties]));
    replace(schema, { ...rest, properties, additionalProperties: false } as JsonSchema);
  } else if (PLAIN_FORMATS.includes(schema.format)) {
    delete schema.pattern;
  }
}

const isNames = (names: unknown): names is { enum: readonly string[] } =>
  typeof names === 'object' && names !== null && 'enum' in names;

function replace(schema: JsonSchema, other: JsonSchema): void {
  for (const name of Object.keys(schema)) delete schema[name];
  Object.assign(schema, other);
}

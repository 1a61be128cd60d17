import type { z } from 'zod';

/** What a zod schema is made of, as far as it says where fields are. */
export interface SchemaDefinition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly catchall?: z.ZodType;
  readonly entries?: Readonly<Record<string, string>>;
}

/** The definition of a schema. zod has no narrower public type for it. */
export function definitionOf(schema: z.ZodType): SchemaDefinition {
  return schema._zod.def as unknown as SchemaDefinition;
}

/** The schema below a wrapper (a default, an option, a transformation's input); `undefined` when it is none. */
export function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const { type, innerType, in: input } = definitionOf(schema);
  return innerType ?? (type === 'pipe' ? input : undefined);
}

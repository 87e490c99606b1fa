/** The JSON Schema of a chart's values, from its values.yaml. It is closed: a key that is not in values.yaml is a typo. */
import type { ValueField } from './values-file.ts';

type Schema = Record<string, unknown>;

/** @param parts names of subcharts, whose values their own schemas check */
export function valuesSchema(title: string, values: readonly ValueField[], parts: readonly string[] = []): Schema {
  const properties = Object.fromEntries(values.map((field) => [field.name, schemaOf(field, parts)]));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    type: 'object',
    additionalProperties: false,
    // A parent chart may say of any of its parts whether it is there.
    properties: { enabled: { type: 'boolean' }, ...properties },
  };
}

function schemaOf(field: ValueField, parts: readonly string[]): Schema {
  const { text, rules, members, name } = field;
  const { free, ...more } = rules;
  const description = text === undefined ? {} : { description: text };
  if (members !== undefined) {
    // `global` is shared with charts that are not ours, and a part has a schema of its own.
    const open = name === 'global' || parts.includes(name);
    const properties = Object.fromEntries(members.map((member) => [member.name, schemaOf(member, [])]));
    return { ...description, type: 'object', ...(open ? {} : { additionalProperties: false }), properties };
  }
  const type = typeOf(field.default);
  return { ...description, ...('enum' in more ? {} : { type }), ...more };
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  if (typeof value === 'object') return 'object';
  return typeof value;
}

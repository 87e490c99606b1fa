/**
 * Reads a chart's values.yaml, whose comments say what a value is (`# -- text`, on as many lines as it takes) and what it
 * may be (`# @schema {minimum: 1}`). The README's table and the JSON Schema come from it, so that they cannot tell another story.
 */
import { isMap, isScalar, type Pair, parse, parseDocument, type YAMLMap } from 'yaml';

export interface ValueField {
  name: string;
  /** What it is, for people; undefined for a group, whose members say it. */
  text: string | undefined;
  /** What the comment adds to the schema. `free: true` stands for an object that may have any key. */
  rules: Readonly<Record<string, unknown>>;
  default: unknown;
  /** The members of a group; undefined for a value. */
  members: readonly ValueField[] | undefined;
}

/** @throws a sentence that names a value without a text */
export function readValuesFile(text: string): ValueField[] {
  const document = parseDocument(text);
  if (!isMap(document.contents)) throw new Error('expected a map of values');
  return fields(document.contents, '');
}

function fields(map: YAMLMap, path: string): ValueField[] {
  return map.items.map((pair, index) => {
    const { name, comment } = head(pair, index === 0 ? map.commentBefore : undefined);
    const at = `${path}${name}`;
    const { text, rules } = readComment(comment);
    const value = pair.value;
    const group = isMap(value) && value.items.length > 0 && rules.free !== true;
    if (!group && text === undefined) throw new Error(`${at} says nothing about itself: put "# -- TEXT" above it`);
    return {
      name,
      text,
      rules,
      default: isMap(value) || !isScalar(value) ? (value as YAMLMap).toJSON() : value.value,
      members: group ? fields(value, `${at}.`) : undefined,
    };
  });
}

function head(pair: Pair, before: string | null | undefined): { name: string; comment: string } {
  const key = pair.key;
  if (!isScalar(key)) throw new Error('expected names as keys');
  return { name: String(key.value), comment: key.commentBefore ?? before ?? '' };
}

function readComment(comment: string): { text: string | undefined; rules: Record<string, unknown> } {
  const words: string[] = [];
  const rules: Record<string, unknown> = {};
  for (const line of comment.split('\n').map((each) => each.trim())) {
    if (line.startsWith('-- ')) words.splice(0, Number.POSITIVE_INFINITY, line.slice(3));
    else if (line.startsWith('@schema ')) Object.assign(rules, parse(line.slice('@schema '.length)));
    else if (line === '') words.length = 0;
    else if (words.length > 0) words.push(line);
  }
  return { text: words.length === 0 ? undefined : words.join(' '), rules };
}

import { isDoc, rankOf, Rank } from './values.js';

/** A value as MongoDB's messages print it, shortened: it may be a whole document. */
export function show(value: unknown): string {
  const text = render(value);
  return text.length > 150 ? `${text.slice(0, 150)}...` : text;
}

function render(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(render).join(', ')} ]`;
  if (isDoc(value)) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${render(field)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  if (rankOf(value) === Rank.objectId) return `ObjectId('${String(value)}')`;
  return value instanceof Date ? `new Date(${String(value.getTime())})` : String(value);
}

export const showField = (name: string, value: unknown): string => `{${name}: ${show(value)}}`;

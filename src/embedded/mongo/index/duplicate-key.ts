import type { Long, ObjectId } from 'bson';
import { faults } from '../faults.js';
import type { Doc, MongoFault } from '../language/index.js';
import type { IndexSpec } from './index-spec.js';
import { pathValues } from './path-values.js';

/** E11000 as MongoDB writes it: drivers and applications read `keyPattern` and `keyValue`, people the message. */
export function duplicateKey(namespace: string, spec: IndexSpec, doc: Doc): MongoFault {
  const keyValue = Object.fromEntries(Object.keys(spec.key).map((path) => [path, valueAt(doc, path)]));
  const message = `E11000 duplicate key error collection: ${namespace} index: ${spec.name} dup key: ${shell(keyValue)}`;
  return faults.duplicateKey(message, { keyPattern: spec.key, keyValue });
}

const valueAt = (doc: Doc, path: string): unknown => pathValues(doc, path.split('.'))[0] ?? null;

/** A value in the notation of MongoDB's shell. */
function shell(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (Array.isArray(value)) return `[ ${value.map(shell).join(', ')} ]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  switch ((value as Doc)['_bsontype']) {
    case 'ObjectId':
      return `ObjectId('${(value as ObjectId).toHexString()}')`;
    case undefined:
      return `{ ${Object.entries(value)
        .map(([name, field]) => `${name}: ${shell(field)}`)
        .join(', ')} }`;
    case 'Long':
      return (value as Long).toString();
    default:
      return JSON.stringify(value);
  }
}

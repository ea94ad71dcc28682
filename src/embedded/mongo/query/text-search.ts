import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import { AFTER, encodeValue } from '../index/key.js';
import type { TextIndex } from '../index/text-index.js';
import { pathValues } from '../index/path-values.js';
import { fold, wordsOf } from '../index/words.js';
import type { Doc } from '../language/index.js';
import type { Row } from '../store/row.js';
import type { Analysis } from './conditions.js';
import type { Run } from './execute.js';

/** A `$text` search: words any of which may be there, phrases that all must be, and what must not be there. */
export interface TextSearch {
  readonly words: readonly string[];
  readonly phrases: readonly string[];
  readonly withoutWords: readonly string[];
  readonly withoutPhrases: readonly string[];
}

/** Takes `$text` out of a filter, where MongoDB allows it: at the top, also inside `$and`. */
export function extractText(filter: Doc): { filter: Doc; text?: TextSearch } {
  let text: TextSearch | undefined;
  const without = (part: Doc): Doc => {
    const rest: Doc = {};
    for (const [name, value] of Object.entries(part)) {
      if (name === '$text') {
        if (text) throw faults.badValue('Too many text expressions');
        text = parseSearch(value);
      } else if (name === '$and' && Array.isArray(value) && value.every(isDocument)) {
        rest[name] = value.map(without);
      } else {
        Object.defineProperty(rest, name, { value, enumerable: true, configurable: true, writable: true });
      }
    }
    return rest;
  };
  const rest = mentionsText(filter) ? without(filter) : filter;
  return { filter: rest, text };
}

/** Whether a filter searches for words. */
export const mentionsText = (filter: Doc): boolean =>
  '$text' in filter ||
  (Array.isArray(filter['$and']) && filter['$and'].some((clause) => isDocument(clause) && mentionsText(clause)));

function parseSearch(operand: unknown): TextSearch {
  if (!isDocument(operand)) throw faults.badValue('$text expects an object');
  const { $search, $language, $caseSensitive, $diacriticSensitive, ...unknown } = operand;
  if (typeof $search !== 'string') throw faults.typeMismatch('$search must be a string');
  if ($language !== undefined && $language !== 'none') throw faults.notSupported("a $language other than 'none'");
  if ($caseSensitive || $diacriticSensitive) throw faults.notSupported('$text that minds case or accents');
  const [extra] = Object.keys(unknown);
  if (extra !== undefined) throw faults.badValue(`extra fields in $text: ${extra}`);
  return splitSearch($search);
}

/** A phrase in quotes, or what stands between spaces; a hyphen inside a word excludes nothing. */
const SEARCH_PARTS = /(-?)"([^"]*)(?:"|$)|(?:(?<=^|\s)(-))?([^\s"]+)/g;

/** `-` before a word or a phrase excludes it; quotes make a phrase, whose words count as words too. */
function splitSearch(search: string): TextSearch {
  const found = {
    words: [] as string[],
    phrases: [] as string[],
    withoutWords: [] as string[],
    withoutPhrases: [] as string[],
  };
  for (const [, excluded, phrase, minus, word] of search.matchAll(SEARCH_PARTS)) {
    if (minus) found.withoutWords.push(...wordsOf(word ?? ''));
    else if (excluded) found.withoutPhrases.push(fold(phrase ?? ''));
    else found.words.push(...wordsOf(phrase ?? word ?? ''));
    if (!excluded && phrase !== undefined && phrase.trim() !== '') found.phrases.push(fold(phrase));
  }
  return { ...found, words: [...new Set(found.words)] };
}

/** The key under which a search begins. @throws MongoFault 291 unless the filter fixes each field before the text */
export function textPrefix(index: TextIndex, { conditions }: Analysis): string {
  const values = index.prefix.map((path) => {
    const fixed = conditions.find(
      (one) => one.path === path && one.exact && one.intervals.length === 1 && one.intervals[0]!.point,
    );
    return fixed?.intervals[0]?.low;
  });
  if (values.includes(undefined)) {
    throw faults.noPlan(
      'failed to use text index to satisfy $text query (if text index is compound, are equality predicates given for all prefix fields?)',
    );
  }
  return values.join('');
}

/** Rows with their scores, as far as words and phrases decide. */
export function searchRows(index: TextIndex, prefix: string, search: TextSearch, run: Run): Map<Row, number> {
  const scores = new Map<Row, number>();
  for (const word of search.words) {
    for (const { row, score } of postings(index, prefix, word, run)) scores.set(row, (scores.get(row) ?? 0) + score);
  }
  for (const word of search.withoutWords) for (const { row } of postings(index, prefix, word, run)) scores.delete(row);
  if (search.phrases.length + search.withoutPhrases.length > 0) {
    for (const row of scores.keys()) if (!phrasesHold(index, row.doc, search)) scores.delete(row);
  }
  return scores;
}

function* postings(
  index: TextIndex,
  prefix: string,
  word: string,
  { deadline, stats }: Run,
): Generator<{ row: Row; score: number }> {
  const low = prefix + encodeValue(word);
  for (const scan = index.tree.scan(low, low + AFTER); scan.advance();) {
    deadline.step();
    stats.keysExamined++;
    yield scan.value;
  }
}

function phrasesHold(index: TextIndex, doc: Doc, { phrases, withoutPhrases }: TextSearch): boolean {
  const texts = index.texts
    .flatMap((path) => pathValues(doc, path.split('.')))
    .filter((text) => typeof text === 'string')
    .map(fold);
  const has = (phrase: string): boolean => texts.some((text) => text.includes(phrase));
  return phrases.every(has) && !withoutPhrases.some(has);
}

import { fold, words } from '../../core/search/fold.js';
import type { TaskContent } from './task.js';

/** Different words of a task that a search looks at; the title's come first, then the tags'. */
export const MAX_TERMS = 500;

/** What is stored of a task only so that it can be found and put in order. */
export interface SearchFields {
  /** The order of `sort=title`. */
  readonly titleFolded: string;
  /** Decides which tasks match `q`. */
  readonly terms: readonly string[];
  /** The two texts that order `sort=relevance`, as words with spaces between. */
  readonly searchTitle: string;
  readonly searchText: string;
}

export function searchFieldsOf({
  title,
  description,
  tags,
}: Pick<TaskContent, 'title' | 'description' | 'tags'>): SearchFields {
  const titleWords = words(title);
  const textWords = [...tags, description].flatMap(words);
  return {
    titleFolded: fold(title),
    terms: [...new Set([...titleWords, ...textWords])].slice(0, MAX_TERMS),
    searchTitle: titleWords.join(' '),
    searchText: textWords.join(' '),
  };
}

import type { Journal } from '../../../ports/stargate/journal.js';
import { contentOf, journalOf } from '../backup/journal.js';
import { isThere } from '../journal/same-journal.js';
import { type Check, ok, warning } from './check.js';

/**
 * A journal that is there can be opened and read to its end: a start reads it before all else. One that has no place of its own, or must not
 * be read beside its writer, is left alone: opening it might change it.
 */
export const JOURNAL: Check = {
  name: 'journal',
  needs: ['profile', 'repository', 'permissions'],
  async run({ gitDir, composition }) {
    const opened = await composition();
    const { adapter, place } = await journalOf(opened.profile);
    if (place === undefined) return [];
    if (!(await isThere(gitDir, place))) return [ok(`there is none at ${place}: the next start makes one`)];
    const journal = await opened.get<Journal>('journal');
    if (journal.capabilities.readBeside !== true) return [warning(`${adapter} can't be read while a Stargate may write to it`)];
    return [ok(`${place}, ${await contentOf(journal)}`)];
  },
};

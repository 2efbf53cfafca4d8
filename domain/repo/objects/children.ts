import { KvError } from '../../../ports/error.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { fromAscii } from '../../git/bytes.js';
import { readFacts } from './commit-object.js';
import { entriesOf } from './trees.js';

/** The objects that one names; a submodule's commit is none of this repository. */
export function childrenOf({ oid, type, body }: GitObject, oidBytes: number): Oid[] {
  if (type === 'commit') {
    const { tree, parents } = readFacts(body, oid);
    return [tree, ...parents];
  }
  if (type === 'tree') return [...entriesOf(body, oidBytes)].filter(({ mode }) => mode !== '160000').map((entry) => entry.oid);
  if (type === 'blob') return [];
  const target = /^object ([0-9a-f]+)\n/.exec(fromAscii(body, 0, Math.min(body.length, 100)))?.[1];
  if (target === undefined) throw new KvError('GIT_ERROR', `tag ${oid} is damaged: it names no object`);
  return [target];
}

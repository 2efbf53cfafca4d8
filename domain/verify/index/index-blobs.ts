import type { Oid } from '../../../ports/vocabulary.js';
import { readAhead } from '../../git/read-ahead.js';
import { REF_SUFFIX } from '../../index/layout.js';
import type { Fault, RuleContext } from '../fault.js';
import { disagrees, keyOf } from './index-step.js';
import { treeChanges } from '../trees.js';

/** How many blobs to ask for in one request. */
export const INDEX_BATCH = 4096;
/** How many to read in one, and how many requests to have under way meanwhile. */
const READ_BATCH = 1024;
const AHEAD = 3;

/** Reads the files that are new in an index: what they say follows from their ids, but they must also be there. */
export async function checkIndexBlobs(rules: RuleContext, before: Oid | null, after: Oid): Promise<void> {
  const { store, emit, ns } = rules;
  const fresh = (await treeChanges(rules, 'index', before, after)).flatMap(({ path, after: file }) =>
    file === null ? [] : [{ name: path.slice(path.lastIndexOf('/') + 1), oid: file.oid }],
  );
  const batches = Array.from({ length: Math.ceil(fresh.length / READ_BATCH) }, (_, i) =>
    fresh.slice(i * READ_BATCH, (i + 1) * READ_BATCH),
  );
  const reading = readAhead(batches, async (batch) => ({ batch, objects: await store.read(batch.map(({ oid }) => oid)) }), AHEAD);
  for await (const { batch, objects } of reading)
    for (const [i, { name, oid }] of batch.entries()) if (!objects[i]) emit(missingFile(ns, name, oid));
}

/** A file of an index that can't be read, by its name. */
export function missingFile(ns: string, name: string, object: Oid): Fault {
  const why = 'its file in the index is missing or damaged';
  if (!name.endsWith(REF_SUFFIX)) return { ...disagrees(ns, name, why), subject: { path: name, object } };
  const key = keyOf(name.slice(0, -REF_SUFFIX.length));
  return { ...disagrees(ns, key, why), subject: { key, object } };
}

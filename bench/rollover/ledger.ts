import { randomBytes } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { openGitStore } from '../../adapters/git-cli/open.js';
import type { Operation } from '../../domain/ledger/transaction/transaction.js';
import { indexRef, ledgerRef, epochRef } from '../../domain/ledger/refs.js';
import type { World } from '../../test/support/worlds/world.js';
import { keyAt, NS, setOf, valueAt } from '../corpus.js';
import { must, PATIENCE } from '../fresh-clone.js';
import { buildChain, type Step } from '../history/ledger.js';

/** In each transaction after the first: values that are replaced; and a key goes as another comes. */
const REPLACED = 8;

/** The first sets `keys` keys; in each that follows, eight get another value, one is deleted and a new one is set. */
function operationsAt(keys: number): (i: number, count: number, at: number, txn: string) => Operation[] {
  return (i, _count, at, txn) => {
    const set = (n: number): Operation => {
      const made = setOf(keyAt(n), valueAt(n, i), at);
      return 'meta' in made ? { ...made, meta: { ...made.meta, txn } } : made;
    };
    if (i === 0) return Array.from({ length: keys }, (_, n) => set(n));
    // Keys `deleted…keys + i - 1` are there; 7919 is prime, so that neighbours in time are no neighbours in the tree.
    const live = Array.from({ length: REPLACED }, (_, n) => i + (((i * REPLACED + n) * 7919) % (keys - 1)));
    return [...live.map(set), { op: 'del', key: keyAt(i - 1) }, set(keys + i - 1)];
  };
}

/**
 * The refs of a ledger of `count` commits over `keys` keys, in `path`, built without a Stargate; packed as a Git host would.
 * Signatures are random bytes of an SSH signature's length: nothing here checks them, and a clone has to carry them.
 */
export async function buildLedger(world: World, path: string, count: number, keys: number): Promise<Step[]> {
  must(await world.git(world.dir, 'ada', ['init', '-q', '--bare', path]));
  const store = await openGitStore({ directory: path, env: world.env('ada') });
  const steps = await buildChain(store, count, operationsAt(keys), signature);
  await store.close();
  must(await world.git(path, 'ada', ['repack', '-adq'], { timeout: PATIENCE }));
  return steps;
}

function signature(): string {
  const lines = `U1NIU0lH${randomBytes(208).toString('base64')}`.match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----`;
}

/** Gives Stargate and mirror the ledger's first `count` commits, as if they had been pushed one by one. */
export async function adopt(world: World, from: string, steps: readonly Step[], count: number): Promise<void> {
  await world.stop();
  const [first, last] = [steps[0], steps[count - 1]];
  if (first === undefined || last === undefined) throw new Error(`no ledger of ${count} commits`);
  const refs = { [ledgerRef(NS)]: last.oid, [indexRef(NS)]: last.index, [epochRef(NS)]: first.oid };
  for (const [ref, oid] of Object.entries(refs)) must(await world.git(from, 'ada', ['update-ref', ref, oid]));
  const fetch = ['fetch', '-q', '--no-tags', `file://${from}`, ...Object.keys(refs).map((ref) => `${ref}:${ref}`)];
  must(await world.git(world.repo, 'ada', fetch, { timeout: PATIENCE }));
  await cp(join(world.repo, 'objects', 'pack'), join(world.mirror, 'objects', 'pack'), { recursive: true });
  must(await world.git(world.mirror, 'ada', fetch, { timeout: PATIENCE }));
  await world.start();
}

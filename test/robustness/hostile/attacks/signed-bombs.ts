import { placeOf } from '../../../../domain/ledger/paths.js';
import { encodeMetadata, type Metadata } from '../../../../domain/ledger/value/metadata.js';
import { bomb, emptyTree } from '../../bad-trees.js';
import type { Forger, Planted } from '../../forger.js';
import { AddressForge, type Victim } from './address-forge.js';

/** What a signed transaction holds besides what it says; `keys`: how many more keys that sets. */
interface Bomb {
  readonly plant: readonly Planted[];
  readonly keys: number;
}

/** A writer's key: a directory of a million directories, in a few kilobytes. */
export const treeBombs = (to: Victim, ms: number): Promise<string> =>
  pushed(to, ms, async (forge) => ({
    plant: [{ path: 'kv/main/bomb', tree: await bomb(forge, 3, await emptyTree(forge), 100) }],
    keys: 0,
  }));

/** A writer's key: directories in which keys could lie, sixteen million of them, in a few kilobytes. */
export const shardBombs = (to: Victim, ms: number): Promise<string> =>
  pushed(to, ms, async (forge) => ({
    plant: [{ path: 'kv/main/data/00', tree: await bomb(forge, 3, await emptyTree(forge)) }],
    keys: 0,
  }));

/** A writer's key: a file name of 8 MB. */
export const longNames = (to: Victim, ms: number): Promise<string> =>
  pushed(to, ms, async () => ({ plant: [{ path: `kv/main/data/${'a'.repeat(8_000_000)}` }], keys: 0 }));

/** A writer's key: manifests of 60 MB each, each of which is 0.3 MB in a pack. */
export const hugeManifests = (to: Victim, ms: number, count = 4): Promise<string> =>
  pushed(to, ms, async (forge) => manifests(forge, count, 60_000_000));

/** A writer's key: many manifests, each as long as the usual policy lets one be. */
export const manyManifests = (to: Victim, ms: number, count = 50): Promise<string> =>
  pushed(to, ms, async (forge) => manifests(forge, count, 1_500_000));

/** Metadata and manifests for `count` keys. What else is wrong with these comes out when they are parsed. */
function manifests({ namer, txn }: Forger, count: number, bytes: number): Bomb {
  const chunk = `{"i":0,"size":1,"digest":"sha256:${'a'.repeat(64)}","blob_oid":"${'b'.repeat(40)}"},`;
  const chunks = Buffer.alloc(bytes - (bytes % chunk.length), chunk).subarray(0, -1);
  const meta: Metadata = {
    ...{ ctype: 'text/plain', ttl: null, etag: `blake3:${'0'.repeat(64)}`, createdBy: 'x@example.org' },
    ...{ createdAt: '2026-01-01T00:00:00.000Z', txn },
  };
  const plant = Array.from({ length: count }, (_, i): Planted[] => {
    const { urlsafe, shards } = placeOf(`bomb:${i}`, namer.hasher);
    const head = `{"v":1,"key":"bomb:${i}","total_size":1,"chunking":{"mode":"fixed","size":1},"algo":"sha256","git_hash":"sha1","etype":"${meta.etag}","chunks":[`;
    const content = Buffer.concat([Buffer.from(head), chunks, Buffer.from(']}')]);
    return [
      { path: ['kv/main/data', ...shards, `${urlsafe}.manifest.json`].join('/'), content },
      { path: ['kv/main/meta', ...shards, `${urlsafe}.meta`].join('/'), content: encodeMetadata(meta) },
    ];
  });
  return { plant: plant.flat(), keys: count };
}

/** Pushes a bomb, as often as there is time for; gives what the Stargate said to the last. */
async function pushed(to: Victim, ms: number, make: (forge: Forger) => Promise<Bomb>): Promise<string> {
  const end = Date.now() + ms;
  const forge = await AddressForge.open(to);
  try {
    const { plant, keys } = await make(forge);
    const base = await forge.base();
    const forged = await forge.forge({
      base,
      plant: [...plant],
      ledger: (commit) => ({ ...commit, message: commit.message.replace(/^Keys-Set: 1$/m, `Keys-Set: ${keys + 1}`) }),
    });
    let said = '';
    do said = (await forge.send(forged, { first: base.ledger === null })).stderr;
    while (Date.now() < end);
    return said;
  } finally {
    await forge.close();
  }
}

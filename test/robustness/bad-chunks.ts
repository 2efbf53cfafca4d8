// Longer than most: one table, a case each, that is read as a list.
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { chunkDirs, encodeManifest } from '../../domain/ledger/value/manifest.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import type { Draft } from '../../domain/ledger/transaction/transaction.js';
import type { Ran } from '../support/programs/processes.js';
import type { Attack } from './attack.js';
import { CHUNK_DIRECTORIES, emptyTree } from './bad-trees.js';
import { chunkedBase, chunkedSet, chunksTreeWith, manifestText } from './forge-chunks.js';
import type { Forger, Forgery } from './forger.js';

const KIB = 1024;
/** Chunks that are already at the Stargate when the attacks begin. */
export const LIVE: readonly Buffer[] = [randomBytes(2 * KIB), randomBytes(2 * KIB), randomBytes(KIB)];
const fresh = (): Uint8Array[] => [randomBytes(2 * KIB), randomBytes(2 * KIB), randomBytes(KIB)];
const digestOf = (forge: Forger, chunk: Uint8Array): string => forge.namer.hasher.hex('sha256', chunk);
const pathOf = (forge: Forger, chunk: Uint8Array): string =>
  [...chunkDirs('main', digestOf(forge, chunk)), digestOf(forge, chunk)].join('/');

/** Builds a transaction on the newest state, its chunks too, and pushes it. */
const send = async (forge: Forger, change: Partial<Forgery>): Promise<Ran> =>
  forge.send(await forge.forge({ base: await chunkedBase(forge), ...change }));

/** The policy for these: values are small. */
export const narrowed = (policy: string): string =>
  policy
    .replace('max_value_total: 100MiB', 'max_value_total: 64KiB')
    .replace('max_value_inline: 1MiB', 'max_value_inline: 32KiB');

/** Writes what the attacks presume: `cfg:live` lies in the live chunks, and another value shares them. */
export async function honestChunks(forge: Forger): Promise<void> {
  for (const [key, chunks] of [
    ['cfg:live', LIVE],
    ['cfg:other', [...LIVE, ...fresh()]],
  ] as const) {
    const ran = await send(forge, { operations: [await chunkedSet(forge, key, chunks)] });
    expect(ran.code, ran.stderr).to.equal(0);
  }
}

/** A transaction with a chunked value, whose manifest says something else. */
const manifestSays =
  (change: (text: string) => string) =>
  async (forge: Forger): Promise<Ran> => {
    const set = await chunkedSet(forge, 'cfg:forged', fresh());
    return send(forge, { operations: [set], draft: manifestText(forge, set, change) });
  };

/** A transaction with a chunked value, and something else in the chunks tree. */
const chunksHold =
  (file: (forge: Forger) => { path: string; content: string | null; mode?: string }) =>
  async (forge: Forger): Promise<Ran> =>
    send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', fresh())], draft: chunksTreeWith(forge, [file(forge)]) });

/** Chunks whose blobs are not what their names say. */
const chunksAre =
  (wrong: (chunks: Uint8Array[]) => Uint8Array[]) =>
  async (forge: Forger): Promise<Ran> => {
    const chunks = fresh();
    return send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', chunks, wrong(chunks))] });
  };

/** Every kind of chunks and manifests that the gateway must refuse. */
export const CHUNK_ATTACKS: readonly Attack[] = [
  {
    name: 'a truncated chunk',
    code: 'ATTESTATION_MISMATCH',
    says: 'has digest',
    byFormat: true,
    run: chunksAre(([a, b, c]) => [a as Uint8Array, (b as Uint8Array).subarray(0, KIB), c as Uint8Array]),
  },
  {
    name: 'two chunks swapped',
    code: 'ATTESTATION_MISMATCH',
    says: 'has digest',
    run: chunksAre(([a, b, c]) => [b as Uint8Array, a as Uint8Array, c as Uint8Array]),
  },
  {
    name: 'a chunk with one byte changed',
    code: 'ATTESTATION_MISMATCH',
    says: 'has digest',
    run: chunksAre(([a, b, c]) => [
      a as Uint8Array,
      b as Uint8Array,
      Uint8Array.from(c as Uint8Array, (byte, i) => (i === 0 ? byte ^ 1 : byte)),
    ]),
  },
  {
    name: 'a total size that is not the sum',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) => text.replace('"total_size":5120', '"total_size":5121')),
  },
  {
    name: 'sizes that add up but are not the chunks’',
    code: 'ATTESTATION_MISMATCH',
    says: 'bytes, its manifest says',
    run: manifestSays((text) =>
      text.replace('"i":0,"size":2048', '"i":0,"size":2047').replace('"i":2,"size":1024', '"i":2,"size":1025'),
    ),
  },
  {
    name: 'chunks out of order',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) => text.replace('"i":0', '"i":9').replace('"i":1', '"i":0').replace('"i":9', '"i":1')),
  },
  {
    name: 'an empty chunk',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) =>
      text.replace('"i":0,"size":2048', '"i":0,"size":0').replace('"total_size":5120', '"total_size":3072'),
    ),
  },
  {
    name: 'a digest of 63 digits',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) => text.replace(/("digest":"sha256:[0-9a-f]{63})[0-9a-f]/, '$1')),
  },
  {
    name: 'a digest that is no hex',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) => text.replace(/"sha256:[0-9a-f]{64}/, `"sha256:${'../'.repeat(21)}x`)),
  },
  {
    name: 'a digest in upper case',
    code: 'ATTESTATION_MISMATCH',
    says: 'invalid manifest',
    run: manifestSays((text) => text.replace(/"sha256:[0-9a-f]{64}/, `"sha256:${'A'.repeat(64)}`)),
  },
  {
    name: 'a digest of no chunk',
    code: 'ATTESTATION_MISMATCH',
    says: 'is not among the chunks of the epoch',
    run: manifestSays((text) => text.replace(/"sha256:[0-9a-f]{64}/, `"sha256:${'a'.repeat(64)}`)),
  },
  {
    name: 'a blob that is not that of its digest',
    code: 'ATTESTATION_MISMATCH',
    says: 'is not among the chunks of the epoch',
    byFormat: true,
    run: manifestSays((text) =>
      text.replace(/("blob_oid":")([0-9a-f]+)/, (_, head: string, oid: string) => head + 'b'.repeat(oid.length)),
    ),
  },
  {
    name: 'a manifest that is not canonical',
    code: 'ATTESTATION_MISMATCH',
    says: 'not in canonical form',
    run: manifestSays((text) => `${text}\n`),
  },
  {
    name: 'a manifest of a later version',
    code: 'FORMAT_UNSUPPORTED',
    says: 'has version 2',
    run: manifestSays((text) => text.replace('"v":1', '"v":2')),
  },
  {
    name: 'another key’s manifest',
    code: 'ATTESTATION_MISMATCH',
    says: 'its manifest is that of',
    run: manifestSays((text) => text.replace('cfg:forged', 'cfg:other')),
  },
  {
    name: 'a manifest for the other object format',
    code: 'ATTESTATION_MISMATCH',
    says: 'its manifest is made for',
    byFormat: true,
    run: manifestSays((text) =>
      text.replace(/"git_hash":"(sha\d+)"/, (_, hash: string) => `"git_hash":"${hash === 'sha1' ? 'sha256' : 'sha1'}"`),
    ),
  },
  {
    name: 'an ETag that is not the metadata’s',
    code: 'ATTESTATION_MISMATCH',
    says: 'different ETags',
    run: manifestSays((text) => text.replace(/blake3:[0-9a-f]{64}/, `blake3:${'0'.repeat(64)}`)),
  },
  {
    name: 'a chunk that was never added to the tree',
    code: 'ATTESTATION_MISMATCH',
    says: 'is not among the chunks of the epoch',
    run: async (forge) => {
      const chunks = fresh();
      const draft = chunksTreeWith(forge, [{ path: pathOf(forge, chunks[1] as Uint8Array), content: null }]);
      return send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', chunks)], draft });
    },
  },
  {
    name: 'a live chunk removed from the tree',
    code: 'ATTESTATION_MISMATCH',
    says: 'was removed or replaced',
    run: chunksHold((forge) => ({ path: pathOf(forge, LIVE[0] as Uint8Array), content: null })),
  },
  {
    name: 'a live chunk replaced',
    code: 'ATTESTATION_MISMATCH',
    says: 'was removed or replaced',
    byFormat: true,
    run: chunksHold((forge) => ({ path: pathOf(forge, LIVE[0] as Uint8Array), content: 'x' })),
  },
  {
    name: 'a symlink among the chunks',
    code: 'POLICY_VIOLATION',
    says: 'is no place for a chunk',
    run: chunksHold((forge) => ({ path: pathOf(forge, randomBytes(9)), content: '/etc/passwd', mode: '120000' })),
  },
  {
    name: 'an executable among the chunks',
    code: 'POLICY_VIOLATION',
    says: 'is no place for a chunk',
    run: chunksHold((forge) => ({ path: pathOf(forge, randomBytes(9)), content: 'x', mode: '100755' })),
  },
  {
    name: 'a foreign file among the chunks',
    code: 'POLICY_VIOLATION',
    says: 'is no place for a chunk',
    run: chunksHold(() => ({ path: 'kv/main/chunks/README', content: 'x' })),
  },
  {
    name: 'a chunk of another namespace',
    code: 'POLICY_VIOLATION',
    says: 'is a directory that has no place there',
    run: chunksHold((forge) => ({ path: pathOf(forge, LIVE[0] as Uint8Array).replace('kv/main', 'kv/other'), content: 'x' })),
  },
  {
    name: 'a chunk in the wrong directory',
    code: 'POLICY_VIOLATION',
    says: 'is no place for a chunk',
    run: chunksHold((forge) => ({
      path: `kv/main/chunks/sha256/00/00/${digestOf(forge, randomBytes(9)).replace(/^..../, 'ffff')}`,
      content: 'x',
    })),
  },
  {
    name: 'a chunks commit without its ledger',
    code: 'ATTESTATION_MISMATCH',
    says: 'must move the ledger and the index together',
    run: async (forge) => {
      const made = await forge.forge({
        base: await chunkedBase(forge),
        operations: [await chunkedSet(forge, 'cfg:forged', fresh())],
      });
      return forge.push(['push', '--atomic', forge.pushUrl, `${made.chunks}:refs/kv-chunks/main@${made.epoch}`]);
    },
  },
  {
    name: 'a chunks commit that the ledger does not name',
    code: 'ATTESTATION_MISMATCH',
    says: 'belongs to no ledger commit',
    run: async (forge) => {
      const base = await chunkedBase(forge);
      const { chunks } = await forge.forge({ base, operations: [await chunkedSet(forge, 'cfg:forged', fresh())] });
      return forge.send({ ...(await forge.forge({ base })), chunks });
    },
  },
  {
    name: 'a ledger that names chunks which are not pushed',
    code: 'ATTESTATION_MISMATCH',
    says: 'names chunks that were not pushed',
    run: async (forge) =>
      forge.send({
        ...(await forge.forge({ base: await chunkedBase(forge), operations: [await chunkedSet(forge, 'cfg:forged', fresh())] })),
        chunks: null,
      }),
  },
  {
    name: 'chunks in the ref of another epoch',
    code: 'ATTESTATION_MISMATCH',
    says: 'is not of the current epoch',
    run: async (forge) =>
      forge.send({
        ...(await forge.forge({
          base: { ...(await chunkedBase(forge)), chunks: null },
          operations: [await chunkedSet(forge, 'cfg:forged', fresh())],
        })),
        epoch: '1999Q1',
      }),
  },
  {
    name: 'a chunks ref that is no fast-forward',
    code: 'REF_FORBIDDEN',
    says: 'not a fast-forward',
    run: async (forge) => {
      const made = await forge.forge({
        base: { ...(await chunkedBase(forge)), chunks: null },
        operations: [await chunkedSet(forge, 'cfg:forged', fresh())],
      });
      const specs = [
        `${made.ledger}:refs/kv/main`,
        `${made.index}:refs/kv-index/main`,
        `+${made.chunks}:refs/kv-chunks/main@${made.epoch}`,
      ];
      return forge.push(['push', '--atomic', forge.pushUrl, ...specs]);
    },
  },
  {
    name: 'a chunks ref deleted',
    code: 'REF_FORBIDDEN',
    says: 'may not be deleted',
    run: async (forge) => forge.push(['push', '--atomic', forge.pushUrl, `:refs/kv-chunks/main@${(await forge.base()).epoch}`]),
  },
  {
    name: 'a value over max_value_total',
    code: 'POLICY_VIOLATION',
    says: 'more than max_value_total',
    run: async (forge) =>
      send(forge, {
        operations: [
          await chunkedSet(
            forge,
            'cfg:forged',
            Array.from({ length: 65 }, () => randomBytes(KIB)),
          ),
        ],
      }),
  },
  {
    name: 'a manifest and an inline value for one key',
    code: 'ATTESTATION_MISMATCH',
    says: 'either an inline value or a manifest',
    run: async (forge) => {
      const place = placeOf('cfg:forged', forge.namer.hasher);
      const path = ['kv', 'main', 'data', ...place.shards, place.urlsafe].join('/');
      return send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', fresh())], plant: [{ path, content: 'inline' }] });
    },
  },
  ...(['a manifest beside the inline value', 'an inline value beside the manifest'] as const).map(
    (name, i): Attack => ({
      name: `${name} that a key has`,
      code: 'ATTESTATION_MISMATCH',
      says: 'either an inline value or a manifest',
      run: async (forge, mark) => {
        const key = `cfg:both-${i}`;
        const [inline, chunked] = [forge.set(key, 'inline'), await chunkedSet(forge, key, fresh())];
        const [first, second] = i === 0 ? [inline, chunked] : [chunked, inline];
        expect((await send(forge, { operations: [first] })).code).to.equal(0);
        await mark();
        const { data, manifest } = pathsOf('main', placeOf(key, forge.namer.hasher));
        const kept = i === 0 ? { path: data, content: 'inline' } : { path: manifest, content: encodeManifest(chunked.manifest) };
        return send(forge, { operations: [second], plant: [kept] });
      },
    }),
  ),
  {
    name: 'chunks of another transaction',
    code: 'ATTESTATION_MISMATCH',
    says: 'KV-Txn of the chunks commit',
    run: async (forge) => {
      const draft = async (made: Draft): Promise<Draft> => {
        if (made.chunksCommit === null) return made;
        const body = new TextDecoder()
          .decode(made.chunksCommit.body)
          .replace(/^KV-Txn: .*$/m, 'KV-Txn: 01KDYF0000ABCDEFGHJKMNPQRT');
        const chunksCommit = forge.namer.object('commit', new TextEncoder().encode(body));
        return { ...made, chunksCommit, objects: [...made.objects, chunksCommit] };
      };
      return send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', fresh())], draft });
    },
  },
  ...CHUNK_DIRECTORIES.map(
    ([path, says]): Attack => ({
      name: `a directory that is empty, ${path}`,
      code: 'POLICY_VIOLATION',
      says,
      run: async (forge) => {
        const draft = chunksTreeWith(forge, [{ path, content: null, tree: await emptyTree(forge) }]);
        return send(forge, { operations: [await chunkedSet(forge, 'cfg:forged', fresh())], draft });
      },
    }),
  ),
];

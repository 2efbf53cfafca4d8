import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { importMirror, type MirrorImportReport } from '../../../../../domain/client/transfer/mirror-import/mirror-import.js';
import { landingRef } from '../../../../../domain/client/transfer/mirror-import/landing.js';
import { PROGRESS_REF } from '../../../../../domain/client/transfer/mirror-import/progress.js';
import { encodeCommit } from '../../../../../domain/git/commit.js';
import { encodeHostKeys, HOST_KEYS_PATH } from '../../../../../domain/ledger/host-keys.js';
import { namerOf } from '../../../../../domain/client/clone/clone.js';
import { MODE_DIR, MODE_FILE } from '../../../../../domain/git/tree/tree.js';
import { KvError } from '../../../../../ports/error.js';
import { type MirrorManifest, manifestPayload, refsText } from '../../../../../ports/grammar/mirror-manifest.js';
import type { NewObject } from '../../../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { failure } from '../../../../support/failure.js';
import { type MemoryClient, openMemoryPlace } from '../../../../support/memory/client.js';

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
/** A key as a verifier gives it, and as ssh shows it. */
const key = (name: string): { readonly id: string; readonly shown: string } => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, name),
  ]);
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { id: `ssh-ed25519 ${blob.toString('base64')}`, shown: `SHA256:${digest}` };
};
const OWN = key('own');

/** A tree of one entry, as Git stores it. */
const entry = (mode: string, name: string, oid: Oid): Uint8Array =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);

describe('importing a mirror’s links', () => {
  let client: MemoryClient;
  /** The files of the folder, by number. */
  let links: Map<number, Uint8Array>;
  let bundles: Map<string, readonly NewObject[]>;
  let refs: Map<RefName, Oid>;
  let last: { seq: number; digest: string | null };
  let commits: NewObject[];

  beforeEach(async () => {
    client = await openMemoryPlace('sha1', 'ada');
    [links, bundles, refs, last] = [new Map(), new Map(), new Map(), { seq: 0, digest: null }];
    const namer = namerOf(client.clone);
    const who = 'ada <ada@example.org> 1700000000 +0000';
    const tree = namer.object('tree', new Uint8Array(0));
    commits = [tree];
    for (let i = 0; i < 6; i++) {
      const parents = i === 0 ? [] : [(commits[i] as NewObject).oid];
      const fields = { tree: tree.oid, parents, author: who, committer: who, message: `${i}\n`, signature: null };
      commits.push(namer.object('commit', encodeCommit(fields, 'sha1')));
    }
  });
  afterEach(() => client.close());

  const commit = (n: number): Oid => (commits[n] as NewObject).oid;
  /** Adds a link that moves refs, and gives its file. */
  const add = (
    moves: Readonly<Record<RefName, Oid | null>>,
    change: Partial<MirrorManifest> = {},
    signer = OWN.id,
  ): Uint8Array => {
    const list = Object.entries(moves).map(([ref, next]) => ({ ref, old: refs.get(ref) ?? null, next }));
    for (const { ref, next } of list) next === null ? refs.delete(ref) : refs.set(ref, next);
    const seq = last.seq + 1;
    const digest = sha256(`bundle ${seq}`);
    const manifest: MirrorManifest = {
      ...{
        repository: 'ab'.repeat(16),
        format: 'sha1',
        chain: 'cd'.repeat(16),
        seq,
        prev: last.digest,
        time: '2027-01-31T12:00:00.000Z',
      },
      ...{ bundle: { sha256: digest, size: 10 }, moves: list, state: sha256(refsText(refs)), ...change },
    };
    bundles.set(digest, commits);
    const payload = manifestPayload(manifest);
    last = { seq, digest: sha256(payload) };
    const file = Buffer.from(`${payload}-----BEGIN SSH SIGNATURE-----\n${signer}\n`);
    links.set(seq, file);
    return file;
  };
  const run = (more: { readonly trusted?: readonly string[]; readonly newChain?: boolean } = {}): Promise<MirrorImportReport> =>
    importMirror(client.clone, {
      from: {
        label: 'the stick',
        numbers: async () => [...links.keys()].sort((a, b) => a - b),
        manifest: async (seq) => links.get(seq) as Uint8Array,
        bundle: (_seq, digest) => digest,
      },
      bundles: {
        async take(file) {
          const objects = bundles.get(file);
          if (objects === undefined) throw new KvError('INPUT_INVALID', 'it was cut off');
          await client.clone.store.write(objects);
        },
      },
      verifier: {
        verify: async (_payload, signature, _trusted, namespace) => {
          const [, id = ''] = signature.split('\n');
          if (namespace !== 'git-kv-mirror' || !id.startsWith('ssh-')) throw new KvError('SIGNATURE_INVALID', 'no');
          return { kind: 'ssh', id };
        },
      },
      ...{ trusted: [OWN.shown], newChain: false, signal: new AbortController().signal, onProgress: () => undefined },
      ...more,
    });
  const here = async (ref: RefName): Promise<Oid | undefined> => (await client.clone.store.refs([ref])).get(ref);
  const LEDGER = 'refs/kv-tracking/mirror/kv/main';

  it('applies them in order, each once, and goes on where it was', async () => {
    add({ 'refs/kv/main': commit(1), 'refs/kv-index/main': commit(1) });
    add({ 'refs/kv/main': commit(2), 'refs/heads/main': commit(1), 'refs/tags/v1': commit(1), 'refs/kv/_probe': commit(1) });
    expect(await run()).to.deep.include({ applied: 2, seq: 2, moves: 5, repository: 'ab'.repeat(16) });
    expect(await here(LEDGER)).to.equal(commit(2));
    expect(await here('refs/remotes/origin/main')).to.equal(commit(1));
    expect(await here('refs/tags/v1')).to.equal(commit(1));
    expect(await run()).to.deep.include({ applied: 0, seq: 2, written: null });
    links.delete(1); // what was carried before need not lie there any more
    add({ 'refs/kv/main': commit(3), 'refs/heads/main': null });
    expect(await run()).to.deep.include({ applied: 1, seq: 3 });
    expect([await here(LEDGER), await here('refs/remotes/origin/main')]).to.deep.equal([commit(3), undefined]);
  });

  it('keeps what came before a link that is missing or damaged, and no half of that', async () => {
    add({ 'refs/kv/main': commit(1) });
    add({ 'refs/kv/main': commit(2), 'refs/kv-index/main': commit(2) });
    const third = add({ 'refs/kv/main': commit(3) });
    links.delete(2);
    const missing = await failure(run(), 'NOT_FOUND');
    expect(missing.details).to.deep.equal({ missing: 2, next: 3 });
    expect(await here(LEDGER)).to.equal(commit(1));
    links.set(2, third);
    await failure(run(), 'SYNC_REFUSED');
    links.delete(2);
    links.set(2, Buffer.from('{"v":1'));
    await failure(run(), 'INPUT_INVALID');
    expect([await here(LEDGER), await here('refs/kv-tracking/mirror/kv-index/main')]).to.deep.equal([commit(1), undefined]);
  });

  it('takes nothing of a bundle that is not as its manifest says', async () => {
    add({ 'refs/kv/main': commit(1) });
    bundles.clear();
    await failure(run(), 'INPUT_INVALID');
    expect([await here(LEDGER), await here(PROGRESS_REF)]).to.deep.equal([undefined, undefined]);
  });

  it('refuses what does not go on from what is here', async () => {
    for (const change of [
      { prev: 'ef'.repeat(32) },
      { chain: 'ef'.repeat(16) },
      { state: 'ef'.repeat(32) },
      { repository: 'ef'.repeat(16) },
    ]) {
      [links, refs, last] = [new Map(), new Map(), { seq: 0, digest: null }];
      add({ 'refs/kv/main': commit(1) });
      await run();
      add({ 'refs/kv/main': commit(2) }, change);
      await failure(run(), 'SYNC_REFUSED');
      expect(await here(LEDGER), JSON.stringify(change)).to.equal(commit(1));
    }
    add({ 'refs/kv/main': commit(3) }, { format: 'sha256', moves: [{ ref: 'refs/kv/main', old: null, next: 'a'.repeat(64) }] });
    links.delete(2);
    links.set(2, links.get(3) as Uint8Array);
    await failure(run(), 'SYNC_REFUSED');
  });

  it('refuses a key that nobody has named, one that signs something else, and a change after signing', async () => {
    add({ 'refs/kv/main': commit(1) }, {}, key('mallory').id);
    const unknown = await failure(run(), 'SIGNER_UNKNOWN');
    expect(unknown.message).to.contain(key('mallory').shown);
    expect(unknown.advice).to.deep.equal({ id: 'name-bundle-key', fingerprint: key('mallory').shown });
    await failure(run({ trusted: [] }), 'SIGNER_UNKNOWN');
    links.set(
      1,
      Buffer.from(
        `${
          Buffer.from(links.get(1) as Uint8Array)
            .toString()
            .split('-----BEGIN')[0]
        }-----BEGIN SSH SIGNATURE-----\nbroken\n`,
      ),
    );
    await failure(run(), 'SIGNATURE_INVALID');
    expect(await here(PROGRESS_REF)).to.equal(undefined);
  });

  it('knows the host keys that an imported policy names', async () => {
    const namer = namerOf(client.clone);
    const next = key('next');
    const file = namer.object('blob', encodeHostKeys([{ type: 'ssh-ed25519', fingerprint: next.shown, state: 'next' }]));
    const [folder, name] = HOST_KEYS_PATH.split('/') as [string, string];
    const inner = namer.object('tree', entry(MODE_FILE, name, file.oid));
    const tree = namer.object('tree', entry(MODE_DIR, folder, inner.oid));
    const who = 'stargate <s@example.org> 1700000000 +0000';
    const fields = { tree: tree.oid, parents: [], author: who, committer: who, message: 'policy\n', signature: null };
    const policy = namer.object('commit', encodeCommit(fields, 'sha1'));
    commits.push(file, inner, tree, policy);
    add({ 'refs/kv-policy/current': policy.oid });
    await run();
    add({ 'refs/kv/main': commit(1) }, {}, next.id);
    expect(await run({ trusted: [] })).to.deep.include({ applied: 1 });
  });

  it('takes another chain when it is asked to, and only if that takes nothing back', async () => {
    add({ 'refs/kv/main': commit(2) });
    await run();
    const anew = (at: number): void => {
      [links, refs, last] = [new Map(), new Map(), { seq: 0, digest: null }];
      add({ 'refs/kv/main': commit(at) }, { chain: 'ef'.repeat(16) });
    };
    anew(3);
    await failure(run(), 'SYNC_REFUSED');
    expect(await run({ newChain: true })).to.deep.include({ applied: 1, seq: 1, chain: 'ef'.repeat(16) });
    expect(await here(LEDGER)).to.equal(commit(3));
    await client.close();
    client = await openMemoryPlace('sha1', 'ada');
    await client.clone.store.write(commits);
    await client.clone.store.updateRefs([{ ref: LEDGER, old: null, next: commit(6) }], 'a fetch');
    anew(1);
    expect(await run(), 'what stands further is left').to.deep.include({ applied: 1, moves: 0 });
    expect(await here(LEDGER)).to.equal(commit(6));
  });

  it('keeps the names of refs in a repository that others clone from', () => {
    const names = ['refs/kv/main', 'refs/heads/main', 'refs/tags/v1', 'refs/kv-policy/current', 'refs/kv/_probe', 'refs/stash'];
    const landed = (bare: boolean) => names.map((ref) => landingRef(ref, { bare, remote: 'up' }));
    expect(landed(true)).to.deep.equal([...names.slice(0, 4), null, null]);
    expect(landed(false)).to.deep.equal([
      ...[LEDGER, 'refs/remotes/up/main', 'refs/tags/v1', 'refs/kv-tracking/mirror/kv-policy/current'],
      ...[null, null],
    ]);
  });

  it('says so where there is nothing to import', async () => {
    await failure(run(), 'NOT_FOUND');
  });
});

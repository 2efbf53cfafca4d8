import { expect } from 'chai';
import {
  type PolicyOrigin,
  publishedRefusals,
  publishedRepositoryId,
  publishedText,
  publishPolicy,
} from '../../../../../domain/gateway/commit/policy-ref.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { MODE_FILE } from '../../../../../domain/git/tree/tree.js';
import { seal, TreeDraft } from '../../../../../domain/git/tree/tree-draft.js';
import type { NewObject } from '../../../../../ports/git/git-store.js';
import { decodeRepositoryId, REPOSITORY_ID_PATH } from '../../../../../domain/ledger/repository-id.js';
import { decodeCommit, encodeCommit } from '../../../../../domain/git/commit.js';
import { decodeHostKeys, HOST_KEYS_PATH, type NamedHostKey } from '../../../../../domain/ledger/host-keys.js';
import { decodeMirrorRefusals, MIRROR_REFUSES_PATH, type MirrorRefusals } from '../../../../../domain/ledger/mirror-refusals.js';
import { POLICY_PATH, POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { memory, TestClock } from '../../../../support/memory/memory.js';

const ID = '0123456789abcdef'.repeat(2);

describe('the published policy', () => {
  it('names the repository, also where an earlier version has published since; what has another form names none', async () => {
    const { store, namer } = memory();
    const move = async (text: string): Promise<string> => {
      const updates = await publishPolicy(store, namer, new TestClock(), { repositoryId: ID, policy: text, hostKeys: [] });
      await store.updateRefs(updates, 'policy');
      return updates[0]?.next ?? '';
    };
    expect(await publishedRepositoryId(store)).to.equal(null);
    const commit = await move('version: 1\n');
    const [file] = await store.readPaths(commit, [REPOSITORY_ID_PATH]);
    expect(decodeRepositoryId(file?.body ?? new Uint8Array())).to.equal(ID);
    const blob = namer.object('blob', utf8('version: 1\n# changed\n'));
    const root = new TreeDraft(null);
    root.dirs.set('.kv', new TreeDraft(null)).get('.kv')?.put('policy.yaml', MODE_FILE, blob.oid);
    const objects: NewObject[] = [blob];
    const tree = seal(root, namer, objects) as string;
    const [published] = await store.read([commit]);
    const before = decodeCommit(published?.body ?? new Uint8Array(), commit, 'sha1');
    const without = namer.object('commit', encodeCommit({ ...before, tree, parents: [commit] }, 'sha1'));
    await store.write([...objects, without]);
    await store.updateRefs([{ ref: POLICY_REF, old: commit, next: without.oid }], 'an earlier version');
    expect(await publishedRepositoryId(store)).to.equal(ID);
    for (const text of ['', '\n', ID, `${ID}\n\n`, `${ID.toUpperCase()}\n`, `${ID}0\n`, `x${ID}\n`, ` ${ID}\n`])
      expect(decodeRepositoryId(utf8(text)), JSON.stringify(text)).to.equal(null);
  });

  it('names the host keys beside the policy, and moves when they change', async () => {
    const { store, namer } = memory();
    const key = { type: 'ssh-ed25519', fingerprint: `SHA256:${'A'.repeat(43)}`, state: 'in-use' } as const;
    const publish = async (hostKeys: readonly NamedHostKey[]) => {
      const updates = await publishPolicy(store, namer, new TestClock(), { repositoryId: ID, policy: 'version: 1\n', hostKeys });
      await store.updateRefs(updates, 'policy');
      return updates[0]?.next ?? '';
    };
    const file = async (commit: string) => (await store.readPaths(commit, [HOST_KEYS_PATH]))[0]?.body;
    expect(await file(await publish([]))).to.equal(undefined);
    const one = await publish([key]);
    expect(Buffer.from((await file(one)) ?? []).toString()).to.equal(`ssh-ed25519 ${key.fingerprint} in-use\n`);
    expect(await publish([key])).to.equal('');
    const both = [key, { ...key, state: 'next' as const }];
    const bytes = (await file(await publish(both))) ?? new Uint8Array();
    expect(decodeHostKeys(bytes)).to.deep.equal(both);
    expect(await publishedText(store)).to.equal('version: 1\n');
    const odd = Buffer.concat([Buffer.from('a line of later\n'), bytes, Buffer.from([0xff, 0x0a])]);
    expect(decodeHostKeys(odd), 'what a later version adds').to.deep.equal(both);
  });

  it('says what the mirror refuses, while it does, and readers pass over what they do not understand', async () => {
    const { store, namer } = memory();
    const publish = async (refused: MirrorRefusals) => {
      const updates = await publishPolicy(store, namer, new TestClock(), {
        repositoryId: ID,
        policy: 'version: 1\n',
        hostKeys: [],
        refused,
      });
      await store.updateRefs(updates, 'policy');
      return updates[0]?.next ?? '';
    };
    expect([...(await publishedRefusals(store))]).to.deep.equal([]);
    const main = { since: '2026-01-02T03:04:05.678Z', code: 'SYNC_REFUSED' };
    await publish(new Map([['main', main]]));
    expect(await publishedRefusals(store)).to.deep.equal(new Map([['main', main]]));
    expect(await publish(new Map([['main', main]])), 'nothing new').to.equal('');
    const [gone] = await store.readPaths(await publish(new Map()), [MIRROR_REFUSES_PATH]);
    expect([gone, (await publishedRefusals(store)).size]).to.deep.equal([null, 0]);

    const read = (file: unknown) => [
      ...decodeMirrorRefusals(Buffer.from(typeof file === 'string' ? file : JSON.stringify(file))),
    ];
    const namespaces = { main, odd: { ...main, since: 'now\u001b[2J' }, bad: { ...main, code: 'a b' }, none: null };
    expect(read({ v: 1, namespaces, more: true })).to.deep.equal([['main', main]]);
    for (const file of [{ v: 2, namespaces }, { namespaces }, { v: 1 }, { v: 1, namespaces: 7 }, [], null, '{"v":1', ''])
      expect(read(file), JSON.stringify(file)).to.deep.equal([]);
    expect([...decodeMirrorRefusals(new Uint8Array([0xff]))]).to.deep.equal([]);
  });

  it('is a commit that holds its text, on top of the policy before, and none when it says so already', async () => {
    const { store, namer } = memory();
    const publish = async (text: string, origin?: PolicyOrigin) => {
      const updates = await publishPolicy(store, namer, new TestClock(), {
        policy: text,
        hostKeys: [],
        origin,
        repositoryId: ID,
      });
      await store.updateRefs(updates, 'policy');
      return updates;
    };
    const [first] = await publish('version: 1\n');
    expect([first?.ref, first?.old]).to.deep.equal([POLICY_REF, null]);
    expect(await publish('version: 1\n')).to.deep.equal([]);
    const [second] = await publish('version: 1 # another\n', [
      ['Author', 'Ada\u202e\nKV-Policy-Author: Eve <a@b>'],
      ['Reason', '\u0007'],
    ]);
    expect(second?.old).to.equal(first?.next);
    const oid = second?.next ?? '';
    const [object] = await store.read([oid]);
    const commit = decodeCommit(object?.body ?? new Uint8Array(), oid, 'sha1');
    expect(commit.parents).to.deep.equal([first?.next]);
    expect([commit.author, commit.committer]).to.deep.equal(
      Array(2).fill('git-kv-stargate <stargate@localhost> 1767323045 +0000'),
    );
    expect(commit.message).to.equal(
      'kv-policy: in force\n\nKV-Policy-Author: Ada KV-Policy-Author: Eve <a@b>\nKV-Policy-Reason: -\n',
    );
    const [text] = await store.readPaths(commit.tree, [POLICY_PATH]);
    expect([text?.type, Buffer.from(text?.body ?? []).toString()]).to.deep.equal(['blob', 'version: 1 # another\n']);
  });
});

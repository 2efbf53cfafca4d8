import { expect } from 'chai';
import { type PolicyOrigin, publishedRefusals, publishedText, publishPolicy } from '../../../domain/gateway/commit/policy-ref.js';
import { decodeCommit } from '../../../domain/git/commit.js';
import { decodeHostKeys, HOST_KEYS_PATH, type NamedHostKey } from '../../../domain/ledger/host-keys.js';
import { decodeMirrorRefusals, MIRROR_REFUSES_PATH, type MirrorRefusals } from '../../../domain/ledger/mirror-refusals.js';
import { POLICY_PATH, POLICY_REF } from '../../../domain/ledger/refs.js';
import { memory, TestClock } from '../../support/memory.js';

describe('the published policy', () => {
  it('names the host keys beside the policy, and moves when they change', async () => {
    const { store, namer } = memory();
    const key = { type: 'ssh-ed25519', fingerprint: `SHA256:${'A'.repeat(43)}`, state: 'in-use' } as const;
    const publish = async (hostKeys: readonly NamedHostKey[]) => {
      const updates = await publishPolicy(store, namer, new TestClock(), { policy: 'version: 1\n', hostKeys });
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
      const updates = await publishPolicy(store, namer, new TestClock(), { policy: 'version: 1\n', hostKeys: [], refused });
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
      const updates = await publishPolicy(store, namer, new TestClock(), { policy: text, hostKeys: [], origin });
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

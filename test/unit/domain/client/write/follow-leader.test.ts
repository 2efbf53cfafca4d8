import { expect } from 'chai';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { atTheLeader } from '../../../../../domain/client/sequence/follow-leader.js';
import { KvError } from '../../../../../ports/error.js';
import { memory, TestClock } from '../../../../support/memory/memory.js';
import { POLICY_REF, trackingRef } from '../../../../../domain/ledger/refs.js';
import { parsePolicy } from '../../../../../adapters/policy-yaml/open.js';
import { commit, files } from '../../../../contracts/git-objects.js';

const URLS = ['one', 'two', 'three'].map((name) => `ssh://git@${name}.example/kv.git`);

/** A clone that pushes to the first; the policy lists all, unless there is none. */
async function place(listed = true) {
  const { store } = memory();
  if (listed) {
    const servers = URLS.map((url, at) => `s${at}: "${url}"`).join(', ');
    const { root, objects } = files('sha1', { '.kv/policy.yaml': `version: 1\nstargate: { push_urls: { ${servers} } }\n` });
    const tip = commit('sha1', { tree: root, time: 1 });
    await store.write([...objects, tip]);
    await store.updateRefs([{ ref: trackingRef('mirror', POLICY_REF), old: null, next: tip.oid }], 'test');
  }
  let url = URLS[0];
  const config = {
    get: (key: string) => (key === 'remote.origin.pushurl' ? url : undefined),
    async put(_key: string, value: string) {
      url = value;
    },
  };
  const reader = { parse: parsePolicy };
  const here = { store, clock: new TestClock(), config, remoteName: 'origin', policyReader: async () => reader };
  return { clone: here as unknown as Clone, at: () => url }; // all that it uses
}

const standby = (push_url?: string): KvError =>
  new KvError('NOT_LEADER', 'standing by', push_url === undefined ? {} : { details: { push_url } });
const gone = (): KvError => new KvError('IO_ERROR', 'refused', { details: { sent: 'nothing' } });

async function outcome(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.catch((error: unknown) => (KvError.is(error) ? error.code : error));
}

describe('a push in a cluster', () => {
  it('goes on at the leader that a standby names, where the policy lists it', async () => {
    const { clone, at } = await place();
    const asked: (string | undefined)[] = [];
    const attempt = async (): Promise<string> => {
      asked.push(at());
      if (at() !== URLS[2]) throw standby(URLS[2]);
      return 'taken';
    };
    expect(await outcome(atTheLeader(clone, attempt))).to.equal('taken');
    expect(asked).to.deep.equal([URLS[0], URLS[2]]);
  });

  it('never goes where a Stargate sends it that the policy does not list', async () => {
    const { clone, at } = await place();
    const seen = new Set<string | undefined>();
    const attempt = async (): Promise<string> => {
      seen.add(at());
      throw standby('ssh://git@evil.example/kv.git');
    };
    expect(await outcome(atTheLeader(clone, attempt))).to.equal('NOT_LEADER');
    expect([...seen]).to.have.members(URLS);
  });

  it('looks for whoever leads while one is gone, and waits for a takeover, but not for ever', async () => {
    const { clone, at } = await place();
    let times = 0;
    const attempt = async (): Promise<string> => {
      times++;
      if (at() === URLS[0]) throw gone();
      if (times < 5) throw standby();
      return 'taken';
    };
    expect(await outcome(atTheLeader(clone, attempt))).to.equal('taken');
    const before = clone.clock.now();
    expect(
      await outcome(
        atTheLeader(clone, async () => {
          throw standby();
        }),
      ),
    ).to.equal('NOT_LEADER');
    expect(clone.clock.now() - before).to.be.within(20_000, 25_000);
  });

  it('is refused as ever without a cluster, and where it may have arrived', async () => {
    const alone = await place(false);
    let times = 0;
    const refuse = (error: KvError) => async (): Promise<string> => {
      times++;
      throw error;
    };
    expect(await outcome(atTheLeader(alone.clone, refuse(standby())))).to.equal('NOT_LEADER');
    const { clone } = await place();
    const sent = new KvError('IO_ERROR', 'broke off', { details: { sent: 'all' } });
    expect(await outcome(atTheLeader(clone, refuse(sent)))).to.equal('IO_ERROR');
    expect(await outcome(atTheLeader(clone, refuse(new KvError('CAS_CONFLICT', 'lost'))))).to.equal('CAS_CONFLICT');
    expect(times).to.equal(3);
  });
});

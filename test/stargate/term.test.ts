import { principal } from '../../domain/access/principal.js';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { createMetrics, type Metrics } from '../../apps/stargate/metrics.js';
import { type Leadership, startLeadership } from '../../apps/stargate/leader/leadership.js';
import { type LeaderTerm, takeOver } from '../../apps/stargate/leader/term.js';
import type { Log } from '../../apps/stargate/log/log.js';
import { initRepository } from '../../apps/stargate/init.js';
import { newPrivateKey, ownKey } from '../../apps/ssh-signature.js';
import { ownRepositoryId } from '../../apps/stargate/repository/own-id.js';
import { openPolicyFile, type PolicyFile } from '../../apps/stargate/repository/policy-file.js';
import { type Composition, openProfile, parseProfile, type Profile } from '../../plugins/host/index.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Journal, JournalRecord } from '../../ports/stargate/journal.js';
import type { LeaderLock } from '../../ports/stargate/leader-lock.js';
import type { PolicyReader } from '../../ports/stargate/policy-reader.js';
import { HOST_KEYS } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { ROOMY } from '../support/roomy.js';
import { SILENT } from '../support/silent-log.js';

const PROFILE = `
name: term
adapters:
  git-store: git-cli
  repository-host: host-git
  repository-upkeep: host-git
  bundle-archive: host-git
  git-service: host-git
  journal: journal-file
  leader-lock: lock-flock
  mirror-target: { use: mirror-git, config: { remote: github-origin } }
  signature-verifier: signature-verifier
  hasher: hasher-node
  clock: clock-system
  randomness: clock-system
  policy-reader: policy-yaml
`;

describe('stargate: terms over one repository', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let gitDir: string;
  let profile: Profile;
  let composition: Composition;
  let policyFile: PolicyFile;
  let metrics: Metrics;
  let leadership: Leadership<LeaderTerm>;
  let events: string[];

  const open = (): Promise<Composition> => openProfile(profile, { directory: gitDir, env: sandbox.env });
  const note = (event: string): void => void events.push(event);
  const log: Log = { info: note, warn: note, error: note };

  beforeEach(async () => {
    sandbox = new Sandbox();
    gitDir = sandbox.path('shop.git');
    const mirrorUrl = sandbox.bare('mirror.git');
    const admins = [`${sandbox.key('ada')}.pub`];
    const rest = { hostKeys: HOST_KEYS, hash: 'sha1', pushUrl: null, writers: [], readers: [], namespaces: ['main'] } as const;
    await initRepository({ repo: gitDir, mirrorUrl, admins, ...rest }, async () => undefined);
    profile = await parseProfile(PROFILE, sandbox.path('term.yaml'));
    composition = await open();
    events = [];
    metrics = createMetrics();
    policyFile = await openPolicyFile({
      path: join(gitDir, '.kv', 'policy.yaml'),
      reader: await composition.get<PolicyReader>('policy-reader'),
      onChange: async () => undefined,
      log: SILENT,
    });
    leadership = await startLeadership<LeaderTerm>({
      lock: await composition.get<LeaderLock>('leader-lock'),
      name: 'one',
      interval: 5,
      log,
      takeOver: (lease) =>
        takeOver(lease, {
          repositoryId: () => ownRepositoryId(gitDir, composition),
          sequencerKey: async () => ownKey(newPrivateKey()),
          ...{ composition, metrics, log, sampleSize: 32, openOwn: open, room: ROOMY },
          policy: () => policyFile.current,
          hostKeys: () => [],
        }),
    });
  });
  afterEach(async () => {
    await leadership.stop();
    policyFile.close();
    await composition.close();
    sandbox.remove();
  });

  /** Another takes the lease, does what a leader may, and goes. */
  const interlude = async (work: (own: Composition) => Promise<void> = async () => undefined): Promise<void> => {
    const before = leadership.current;
    const other = await open();
    const lock = await other.get<LeaderLock>('leader-lock');
    await rm(join(gitDir, '.stargate', 'leader.lock'));
    for (;;) {
      if ((await lock.acquire('two')) !== null) break;
      await rm(join(gitDir, '.stargate', 'leader.lock'), { force: true }); // the first was quicker
    }
    while (!events.includes('leader.stepped-down') || leadership.current !== undefined) await delay(5);
    await work(other);
    await other.close();
    while (leadership.current === undefined || leadership.current === before) await delay(5);
  };

  const role = async (): Promise<string | undefined> => /^stargate_ha_role \d/m.exec(await metrics.text())?.[0];

  it('starts everything anew, twenty times over, and leaves nothing behind', async () => {
    const store = await composition.get<GitStore>('git-store');
    const held = async (): Promise<Record<string, number>> => {
      const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
      return { descriptors: (await readdir('/proc/self/fd')).length, timers, listeners };
    };
    for (let cycle = 0; cycle < 2; cycle += 1) await interlude(); // what is opened once and kept
    const before = await held();
    for (let cycle = 0; cycle < 20; cycle += 1) {
      const { gateway } = await leadership.lead();
      await interlude(async () => {
        expect(await role()).to.equal('stargate_ha_role 0');
        expect([...(await store.refs(['refs/kv-policy/'])).keys()], 'reading goes on').to.have.length(1);
        const late = gateway.moveOwn(async () => [{ ref: 'refs/heads/late', old: null, next: 'a'.repeat(40) }]);
        const refused = await late.catch((error: unknown) => error);
        expect(KvError.is(refused) && refused.code, 'the gateway of a term that is over').to.equal('NOT_LEADER');
      });
      expect(await role()).to.equal('stargate_ha_role 1');
    }
    await delay(100);
    const after = await held();
    expect(after['listeners']).to.equal(before['listeners']);
    // The mirror and the store may be at work, with a process or two. What each of twenty terms leaves is more; and it is looked at now,
    // since a file that nobody closed is closed with the next collection of garbage.
    const atWork = 12;
    expect(after['descriptors']).to.be.at.most((before['descriptors'] ?? 0) + atWork);
    expect(after['timers']).to.be.at.most((before['timers'] ?? 0) + atWork);
    expect(events.filter((event) => event === 'stop.failed')).to.deep.equal([]);
  });

  it('reads the journal that another has written meanwhile', async () => {
    const head = sandbox.git(gitDir, 'rev-parse', 'refs/kv-policy/current');
    const updates = [{ ref: 'refs/heads/theirs', old: null, next: head }];
    const intent: JournalRecord = {
      kind: 'intent',
      id: '0'.repeat(26),
      term: 99,
      ts: '2026-11-26T10:00:00Z',
      updates,
      events: [],
    };
    await interlude(async (own) => {
      const journal = await own.get<Journal>('journal');
      await journal.append(intent); // and then it dies, with its refs moved
      sandbox.git(gitDir, 'update-ref', 'refs/heads/theirs', head);
    });
    const fresh = await open();
    const records: JournalRecord[] = [];
    for await (const record of (await fresh.get<Journal>('journal')).replay()) records.push(record);
    await fresh.close();
    expect(records.filter(({ id }) => id === intent.id).map(({ kind }) => kind)).to.include.members(['intent', 'done']);
    await leadership.current?.gateway.moveOwn(async () => [{ ref: 'refs/heads/mine', old: null, next: head }]);
    expect(sandbox.git(gitDir, 'rev-parse', 'refs/heads/mine')).to.equal(head);
  });

  it('begins no push in a term that is over', async () => {
    const { push, quietly } = await leadership.lead();
    await interlude();
    const streams = { input: new PassThrough(), output: new PassThrough(), complain: () => undefined };
    const pusher = principal('ada', 'admin', 'writer', 'reader');
    const facts = {
      pusher,
      fingerprint: '-',
      request: 'r1',
      remote: '-',
      gitProtocol: undefined,
      gone: new AbortController().signal,
      pusherNow: () => pusher,
    };
    for (const late of [push({ ...streams, ...facts }), quietly(async () => undefined)]) {
      const refused = await late.catch((error: unknown) => error);
      expect(KvError.is(refused) && refused.code).to.equal('NOT_LEADER');
    }
  });
});

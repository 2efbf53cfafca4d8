import { expect } from 'chai';
import { JournalPlace, openMemoryJournal } from '../../../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../../../adapters/lock-memory/open.js';
import { parsePolicy } from '../../../../adapters/policy-yaml/open.js';
import { signatureVerifier } from '../../../../adapters/signature-verifier/open.js';
import { newPrivateKey, ownKey } from '../../../../apps/ssh-signature.js';
import { principal } from '../../../../domain/access/principal.js';
import type { AcceptedPush, PushRequest } from '../../../../domain/gateway/accept/push.js';
import { namespacesIn, RepositoryGateway } from '../../../../domain/gateway/gateway.js';
import { overlay } from '../../../../domain/gateway/sequence/overlay.js';
import { KvError } from '../../../../ports/error.js';
import type { IntentRecord, Journal } from '../../../../ports/stargate/journal.js';
import type { Lease } from '../../../../ports/stargate/leader-lock.js';
import type { SpanFacts } from '../../../../ports/tracing.js';
import type { Oid, RefUpdate } from '../../../../ports/vocabulary.js';
import { commit, files } from '../../../contracts/git-objects.js';
import { refusal } from '../../../support/failure.js';
import { IntentMaker } from '../../../support/formats/intents.js';
import { memory, NOW, SeededRandomness, TestClock } from '../../../support/memory/memory.js';
import { MemoryPeople } from '../../../support/memory/people.js';

const PEOPLE = new MemoryPeople();
const REPOSITORY = 'a'.repeat(32);
type Context = ConstructorParameters<typeof RepositoryGateway>[0];

/** A gateway over a repository in memory that has two commits, one above the other; `ada` is the admin. */
class GatewayRig {
  readonly store = memory().store;
  readonly namer = memory().namer;
  readonly place = new JournalPlace();
  readonly journal: Journal = openMemoryJournal(this.place);
  readonly maker = new IntentMaker(PEOPLE, REPOSITORY, 'sha1');
  readonly told: IntentRecord[] = [];
  readonly unmirrored: IntentRecord[] = [];
  readonly refused: string[] = [];
  readonly lock = new LockPlace();
  lease: Lease | null = null;
  policy = parsePolicy(
    PEOPLE.policyText(['ada'], ['main']).replace('ledger_mode: linear', 'ledger_mode: sequenced'),
    'policy.yaml',
  );
  readonly gateway: RepositoryGateway;
  readonly commits: readonly [Oid, Oid];
  private readonly made;

  constructor(more: Partial<Context> = {}) {
    const { root, objects } = files('sha1', { file: 'content' });
    const first = commit('sha1', { tree: root, time: 1 });
    const second = commit('sha1', { tree: root, time: 2, parents: [first.oid] });
    this.made = [...objects, first, second];
    this.commits = [first.oid, second.oid];
    this.gateway = new RepositoryGateway({
      ...{
        store: this.store,
        namer: this.namer,
        journal: this.journal,
        clock: new TestClock(),
        randomness: new SeededRandomness(),
      },
      ...{ verifier: signatureVerifier({ env: {} }), sampleSize: 64, repositoryId: REPOSITORY, failpoint: () => undefined },
      lease: () => this.lease,
      policy: () => this.policy,
      committed: (intent) => this.told.push(intent),
      unmirrored: (intents) => this.unmirrored.push(...intents),
      sequencer: ownKey(newPrivateKey()),
      sequencing: { waiting: () => undefined, ordered: () => undefined, refused: (code) => this.refused.push(code) },
      ...more,
    });
  }

  static async open(more: Partial<Context> = {}): Promise<GatewayRig> {
    const rig = new GatewayRig(more);
    await rig.store.write(rig.made);
    rig.lease = await openMemoryLock(rig.lock).acquire('rig');
    return rig;
  }

  request(commands: readonly RefUpdate[], more: Partial<PushRequest> = {}): PushRequest {
    return { pusher: principal('ada', 'admin', 'reader'), atomic: true, commands, ...more };
  }

  /** The first step of a push that begins a branch. */
  validate(branch: string, more: Partial<PushRequest> = {}): Promise<AcceptedPush> {
    return this.gateway.validate(this.request([this.begin(branch)], more), this.store);
  }

  begin(branch: string): RefUpdate {
    return { ref: `refs/heads/${branch}`, old: null, next: this.commits[0] };
  }

  async push(branch: string, more: Partial<PushRequest> = {}): Promise<void> {
    await this.gateway.commit(await this.validate(branch, more));
  }

  async heads(): Promise<string[]> {
    return [...(await this.store.refs(['refs/heads/'])).keys()];
  }

  /** An intent that sets a key, and its request. */
  async intent(key: string) {
    const { oid, objects } = await this.maker.make('ada', { set: { [key]: 'v' }, now: NOW });
    return { oid, objects, store: overlay(this.store, new Map(objects.map((object) => [object.oid, object]))) };
  }

  async order(key: string, confirm?: () => void) {
    const request = { ...(await this.intent(key)), ...(confirm === undefined ? {} : { confirm }) };
    return this.gateway.order(await this.gateway.checkIntent(request), request);
  }
}

/** Whether it is still waiting once all that could happen at once has happened. */
async function waits(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return !over;
}

describe('the gateway', () => {
  it('takes one push after the other: who was accepted holds the lock until its commit, or until it is abandoned', async () => {
    const rig = await GatewayRig.open();
    const first = await rig.validate('a');
    const second = rig.validate('b');
    expect(await waits(second)).to.equal(true);
    await rig.gateway.commit(first);
    const accepted = await second;
    const third = rig.validate('c');
    expect(await waits(third)).to.equal(true);
    rig.gateway.abandon(accepted);
    rig.gateway.abandon(accepted);
    rig.gateway.abandon(first);
    await rig.gateway.commit(await third);
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/c']);
    expect((await refusal(rig.gateway.commit(accepted))).code, 'it has no lock').to.equal('UNEXPECTED');
    expect(rig.told.map(({ updates }) => updates)).to.deep.equal([[rig.begin('a')], [rig.begin('c')]]);
  });

  it('holds a push against the refs as they are once it has the lock', async () => {
    const rig = await GatewayRig.open();
    await rig.push('a');
    const [first, second] = rig.commits;
    const move = rig.request([{ ref: 'refs/heads/a', old: first, next: second }]);
    const stale = rig.request([{ ref: 'refs/heads/a', old: first, next: second }]);
    const accepted = await rig.gateway.validate(move, rig.store);
    const late = rig.gateway.validate(stale, rig.store);
    await rig.gateway.commit(accepted);
    const error = await refusal(late);
    expect([error.code, error.details]).to.deep.equal(['CAS_CONFLICT', { ref: 'refs/heads/a' }]);
    expect(error.hint).to.be.a('string');
    await rig.push('b'); // the lock is free
  });

  it('asks whether a namespace may be written, with the turn, before the check and under the lock', async () => {
    const asked: unknown[] = [];
    let closed = false;
    const admit: Context['admit'] = async (namespaces, turn) => {
      asked.push([namespaces, turn]);
      if (closed) throw new KvError('BEHIND_MIRROR', 'closed');
    };
    const rig = await GatewayRig.open({ admit });
    await rig.push('a', { turn: 'T' });
    expect(asked).to.deep.equal([
      [[], 'T'],
      [[], 'T'],
    ]);
    const first = await rig.validate('b');
    const second = rig.validate('c');
    expect(await waits(second)).to.equal(true);
    closed = true;
    rig.gateway.abandon(first);
    expect((await refusal(second)).code).to.equal('BEHIND_MIRROR');
    closed = false;
    await rig.push('d');
  });

  it('asks whether who pushes still may, under the lock and right before refs move', async () => {
    const rig = await GatewayRig.open();
    let left = 1;
    const confirm = (): void => {
      if (left-- <= 0) throw new KvError('POLICY_VIOLATION', 'gone');
    };
    const accepted = await rig.validate('a', { confirm });
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('POLICY_VIOLATION');
    expect((await refusal(rig.validate('b', { confirm }))).code).to.equal('POLICY_VIOLATION');
    expect([await rig.heads(), rig.place.lines]).to.deep.equal([[], []]);
    await rig.push('c');
  });

  it('judges a push by one policy: anew where it has changed meanwhile, and never by an old one', async () => {
    const rig = await GatewayRig.open();
    const first = await rig.validate('a');
    const second = rig.validate('b');
    expect(await waits(second)).to.equal(true);
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, refs: 0 } };
    rig.gateway.abandon(first);
    expect((await refusal(second)).code, 'by the new one').to.not.equal('BUSY');
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, refs: 1000 } };
    const third = await rig.validate('c');
    rig.policy = { ...rig.policy };
    expect((await refusal(rig.gateway.commit(third))).code).to.equal('BUSY');
    await rig.push('d');
    expect(await rig.heads()).to.deep.equal(['refs/heads/d']);
  });

  it('gives the memory of a check back when the check is over, taken or refused', async () => {
    const rig = await GatewayRig.open();
    const little = { checkedBytes: 400_000, pushes: 10_000 }; // 20 bytes each: every check waits for its turn
    rig.policy = { ...rig.policy, limits: { ...rig.policy.limits, ...little } };
    const request = await rig.intent('k');
    await rig.gateway.checkIntent(request);
    const damaged = { ...request, store: overlay(rig.store, new Map(request.objects.slice(0, 1).map((one) => [one.oid, one]))) };
    expect((await refusal(rig.gateway.checkIntent(damaged))).code).to.equal('ATTESTATION_MISMATCH');
    const third = rig.gateway.checkIntent(request);
    expect(await waits(third)).to.equal(false);
  });

  it('takes nothing without the lease', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    rig.lock.depose();
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('NOT_LEADER');
    expect((await refusal(rig.validate('b'))).code).to.equal('NOT_LEADER');
    expect((await refusal(rig.gateway.checkIntent(await rig.intent('k')))).code).to.equal('NOT_LEADER');
    expect(rig.refused).to.deep.equal(['NOT_LEADER']);
  });

  it('tells the trace what was checked and committed', async () => {
    const rig = await GatewayRig.open();
    const spans: [string, SpanFacts | undefined][] = [];
    const span = {
      context: null,
      child: (name: string, start?: { readonly facts?: SpanFacts }) => {
        spans.push([name, start?.facts]);
        return span;
      },
      note: (facts: SpanFacts) => spans.push(['', facts]),
      end: () => undefined,
    };
    await rig.push('a', { span: span as never });
    expect(spans.slice(0, 4)).to.deep.equal([
      ['stargate.validate', { ns: [] }],
      ['stargate.lock', undefined],
      ['', { txn: [] }],
      ['stargate.commit', { txn: [] }],
    ]);
    spans.length = 0;
    const request = { ...(await rig.intent('k')), span: span as never };
    const sound = await rig.gateway.checkIntent(request);
    expect(spans).to.deep.equal([
      ['stargate.validate', undefined],
      ['', { txn: [sound.intent.trailers.txn] }],
    ]);
  });
});

describe('a gateway in which a commit has broken', () => {
  /** A gateway whose next move of refs ends so. */
  async function broken(how: 'half' | 'nothing' | 'unnoted') {
    const rig = await GatewayRig.open();
    const { updateRefs } = rig.store;
    const { append } = rig.journal;
    let moved = false;
    const restore = (): void => {
      Object.assign(rig.store, { updateRefs });
      Object.assign(rig.journal, { append });
    };
    if (how === 'unnoted')
      Object.assign(rig.journal, {
        append: async (...args: Parameters<Journal['append']>) => {
          if (args[0].kind === 'done') throw new KvError('STORAGE_FULL', 'no room');
          return append.apply(rig.journal, args);
        },
      });
    else
      Object.assign(rig.store, {
        updateRefs: async (updates: readonly RefUpdate[], ...more: [string]) => {
          if (how === 'half' && !moved) await updateRefs.apply(rig.store, [updates.slice(0, 1), ...more]);
          moved = true;
          throw new KvError('IO_ERROR', 'the disk');
        },
      });
    return { rig, restore };
  }
  const kinds = (rig: GatewayRig): string[] => rig.place.lines.map((line) => (JSON.parse(line) as { kind: string }).kind);

  it('brings refs and journal to one state before it takes more', async () => {
    const { rig, restore } = await broken('half');
    const two = rig.request([rig.begin('a'), rig.begin('b')]);
    const accepted = await rig.gateway.validate(two, rig.store);
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('IO_ERROR');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([['refs/heads/a'], ['intent']]);
    restore();
    await rig.push('c');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([
      ['refs/heads/a', 'refs/heads/b', 'refs/heads/c'],
      ['intent', 'done', 'intent', 'done'],
    ]);
    expect(
      rig.unmirrored.map(({ updates }) => updates),
      'once',
    ).to.deep.equal([two.commands]);
    await rig.push('d');
    expect(rig.unmirrored).to.have.length(1);
  });

  it('does so before the first push that comes, though that one is refused', async () => {
    const { rig, restore } = await broken('half');
    const accepted = await rig.gateway.validate(rig.request([rig.begin('a'), rig.begin('b')]), rig.store);
    await refusal(rig.gateway.commit(accepted));
    restore();
    expect((await refusal(rig.validate('a'))).code).to.equal('CAS_CONFLICT');
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/b']);
  });

  it("does so only with the lease: else the journal is another leader's", async () => {
    const { rig, restore } = await broken('half');
    const accepted = await rig.gateway.validate(rig.request([rig.begin('a'), rig.begin('b')]), rig.store);
    await refusal(rig.gateway.commit(accepted));
    restore();
    rig.lock.depose();
    expect((await refusal(rig.gateway.moveOwn(async () => []))).code).to.equal('NOT_LEADER');
    expect(kinds(rig)).to.deep.equal(['intent']);
  });

  it('has nothing to mend where no ref has moved', async () => {
    const { rig, restore } = await broken('nothing');
    expect((await refusal(rig.push('a'))).code).to.equal('IO_ERROR');
    expect(kinds(rig)).to.deep.equal(['intent', 'aborted']);
    restore();
    rig.lock.depose();
    await rig.gateway.moveOwn(async () => []); // what needs no mending needs no lease
  });

  it('answers who has landed, though the journal has no room to say so, and mends that', async () => {
    const { rig, restore } = await broken('unnoted');
    await rig.push('a');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([['refs/heads/a'], ['intent']]);
    restore();
    await rig.push('b');
    expect(kinds(rig)).to.deep.equal(['intent', 'done', 'intent', 'done']);
  });
});

describe('a gateway that works for itself', () => {
  it('moves refs of its own through the journal, one after the other with pushes', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    const own = rig.gateway.moveOwn(async () => [rig.begin('own')]);
    expect(await waits(own)).to.equal(true);
    await rig.gateway.commit(accepted);
    await own;
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/own']);
    const lines = rig.place.lines.length;
    await rig.gateway.moveOwn(async () => []);
    expect(rig.place.lines, 'nothing to move, nothing to note').to.have.length(lines);
    await refusal(rig.gateway.moveOwn(() => Promise.reject(new KvError('IO_ERROR', 'x'))));
    await rig.push('b');
  });

  it('does what must have no commit beside it', async () => {
    const rig = await GatewayRig.open();
    const accepted = await rig.validate('a');
    let done = false;
    const work = rig.gateway.exclusively(async () => {
      done = true;
    });
    expect([await waits(work), done]).to.deep.equal([true, false]);
    rig.gateway.abandon(accepted);
    await work;
    expect(done).to.equal(true);
    await refusal(rig.gateway.exclusively(() => Promise.reject(new KvError('IO_ERROR', 'x'))));
    await rig.push('b');
  });

  it('orders intents with a key, and says why it has none', async () => {
    const rig = await GatewayRig.open();
    const { commit: made } = await rig.order('k');
    expect((await rig.store.refs(['refs/kv/main'])).get('refs/kv/main')).to.equal(made);
    expect(rig.gateway.intentsWaiting).to.equal(0);
    const held = await rig.validate('a');
    const waiting = rig.order('l');
    expect(await waits(waiting)).to.equal(true);
    expect(rig.gateway.intentsWaiting).to.equal(1);
    rig.gateway.abandon(held);
    await waiting;
    const without = await GatewayRig.open({ sequencer: undefined as never });
    expect(without.gateway.intentsWaiting).to.equal(0);
    expect((await refusal(without.order('k'))).code).to.equal('NOT_SUPPORTED');
    await without.push('a');
  });

  it('asks of an intent what it asks of a push', async () => {
    let closed: KvError | null = null;
    const admit: Context['admit'] = async () => {
      if (closed !== null) throw closed;
    };
    const rig = await GatewayRig.open({ admit });
    const gone = (): void => {
      throw new KvError('POLICY_VIOLATION', 'gone');
    };
    expect((await refusal(rig.order('k', gone))).code).to.equal('POLICY_VIOLATION');
    closed = new KvError('BEHIND_MIRROR', 'closed');
    expect((await refusal(rig.order('k'))).code).to.equal('BEHIND_MIRROR');
    expect(rig.refused).to.deep.equal(['POLICY_VIOLATION', 'BEHIND_MIRROR']);
    closed = null;
    const request = await rig.intent('k');
    const sound = await rig.gateway.checkIntent(request);
    rig.lock.depose();
    expect((await refusal(rig.gateway.order(sound, request))).code).to.equal('NOT_LEADER');
  });

  it('mends before it orders', async () => {
    const rig = await GatewayRig.open();
    const { append } = rig.journal;
    Object.assign(rig.journal, {
      append: async (...args: Parameters<Journal['append']>) => {
        if (args[0].kind === 'done') throw new KvError('STORAGE_FULL', 'no room');
        return append.apply(rig.journal, args);
      },
    });
    await rig.push('a');
    Object.assign(rig.journal, { append });
    await rig.order('k');
    expect(rig.unmirrored).to.have.length(1);
  });

  it('reads the transaction ids of its ledgers in advance', async () => {
    const rig = await GatewayRig.open();
    await rig.order('k');
    const asked: string[] = [];
    const { refs } = rig.store;
    Object.assign(rig.store, {
      refs: async (prefixes: readonly string[]) => {
        asked.push(...prefixes);
        return refs.call(rig.store, prefixes);
      },
    });
    await rig.gateway.warmUp(new AbortController().signal);
    expect(asked.some((prefix) => prefix.startsWith('refs/kv'))).to.equal(true);
  });
});

describe('the namespaces of a push', () => {
  it('are those whose refs it moves, each once', () => {
    const refs = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-chunks/other@2026', 'refs/heads/main', 'refs/kv-policy/current'];
    expect(namespacesIn(refs.map((ref) => ({ ref, old: null, next: null })))).to.deep.equal(['main', 'other']);
  });
});

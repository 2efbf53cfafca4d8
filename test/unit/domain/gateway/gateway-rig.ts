import { JournalPlace, openMemoryJournal } from '../../../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../../../adapters/lock-memory/open.js';
import { parsePolicy } from '../../../../adapters/policy-yaml/open.js';
import { signatureVerifier } from '../../../../adapters/signature-verifier/open.js';
import { newPrivateKey, ownKey } from '../../../../apps/ssh-signature.js';
import { principal } from '../../../../domain/access/principal.js';
import type { AcceptedPush, PushRequest } from '../../../../domain/gateway/accept/push.js';
import { RepositoryGateway } from '../../../../domain/gateway/gateway.js';
import { overlay } from '../../../../domain/gateway/sequence/overlay.js';
import type { IntentRecord, Journal } from '../../../../ports/stargate/journal.js';
import type { Lease } from '../../../../ports/stargate/leader-lock.js';
import type { Oid, RefUpdate } from '../../../../ports/vocabulary.js';
import { commit, files } from '../../../contracts/git-objects.js';
import { IntentMaker } from '../../../support/formats/intents.js';
import { memory, NOW, SeededRandomness, TestClock } from '../../../support/memory/memory.js';
import { MemoryPeople } from '../../../support/memory/people.js';

const PEOPLE = new MemoryPeople();
const REPOSITORY = 'a'.repeat(32);
/** What a gateway is made of. */
export type GatewayContext = ConstructorParameters<typeof RepositoryGateway>[0];

/** A gateway over a repository in memory that has two commits, one above the other; `ada` is the admin. */
export class GatewayRig {
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

  constructor(more: Partial<GatewayContext> = {}) {
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

  static async open(more: Partial<GatewayContext> = {}): Promise<GatewayRig> {
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
export async function waits(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return !over;
}

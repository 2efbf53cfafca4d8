import { placeNamed } from '../../adapters/remote-memory/open.js';
import { readKey } from '../../domain/client/read/read.js';
import { write } from '../../domain/client/write/write.js';
import { utf8 } from '../../domain/git/bytes.js';
import { decodeCommit } from '../../domain/git/commit.js';
import { ObjectNamer } from '../../domain/git/object.js';
import { pathsOf, placeOf } from '../../domain/ledger/paths.js';
import { ledgerRef } from '../../domain/ledger/refs.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import { Random } from '../simulation/random.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import { type History, type Ledger, type LedgerEntry, Recorder, textOf, writeIn } from './history.js';
import { isAnswer } from './outcome.js';

/** How much happens. */
export interface MemoryPlan {
  readonly seed: number;
  readonly writers: number;
  /** Of each writer. */
  readonly writes: number;
  readonly restarts: number;
  /** How often streams are cut. */
  readonly cuts: number;
  /** Stands between the streams and the sequencer: wrong on purpose. */
  readonly around?: MemoryGateway['around'];
  /** What the mirror shows instead of what it has: wrong on purpose. */
  readonly mirror?: (refs: ReadonlyMap<string, Oid>) => ReadonlyMap<string, Oid>;
}

const SPACES = ['main', 'seq'] as const;
const KEYS = ['a', 'b', 'c', 'd'] as const;
const PEOPLE = ['ada', 'bob'] as const;
const MIRROR = { readFrom: 'mirror', offline: false, allowExpired: false } as const;

/** Writers and readers of a linear and a sequenced namespace of one gateway in this process, which is cut off and started again. */
export class MemoryRun {
  private readonly random: Random;
  private readonly recorder: Recorder;
  private readonly clients: MemoryClient[] = [];
  private done = 0;

  private constructor(
    private readonly plan: MemoryPlan,
    private gateway: MemoryGateway,
  ) {
    this.random = new Random(plan.seed);
    let now = 0;
    this.recorder = new Recorder(() => ++now);
  }

  /** Lets it all happen, and gives what there is to check. */
  static async of(plan: MemoryPlan): Promise<{ readonly history: History; readonly ledgers: readonly Ledger[] }> {
    const run = new MemoryRun(plan, await started());
    try {
      return await run.run();
    } finally {
      for (const client of run.clients) await client.close();
      await run.gateway.close();
    }
  }

  private async run(): Promise<{ history: History; ledgers: Ledger[] }> {
    const { plan, recorder } = this;
    this.spoil();
    const writing = Array.from({ length: plan.writers }, (_, i) => this.writer(i, plan.writes));
    await Promise.all([...writing, this.reader('reader-1'), this.reader('reader-2'), this.trouble()]);
    await this.gateway.mirrored();
    const ledgers = [];
    for (const ns of SPACES) ledgers.push(await this.ledger(ns));
    return { history: recorder, ledgers };
  }

  private get total(): number {
    return this.plan.writers * this.plan.writes;
  }

  private async open(person: string): Promise<MemoryClient> {
    const client = await openMemoryClient(this.gateway, person);
    this.clients.push(client);
    return client;
  }

  private async writer(i: number, writes: number): Promise<void> {
    const { random } = this;
    const who = `writer-${i}`;
    const { clone } = await this.open(PEOPLE[i % PEOPLE.length] as string);
    /** What it has read, however long ago. */
    const seen = new Map<string, Readonly<Record<string, string | null>>>();
    for (let n = 0; n < writes; n++) {
      for (let turns = random.between(0, 3); turns >= 0; turns--) await others(); // who is quick would be done before the rest begin
      const ns = random.pick(SPACES);
      const [key, other] = [random.chance(0.5) ? KEYS[0] : random.pick(KEYS), random.pick(KEYS.slice(1))];
      const old = seen.get(`${ns} ${key}`);
      const looked = random.chance(old === undefined ? 0.5 : 0.2) ? await this.look(who, clone, ns, key) : null;
      if (looked !== null) seen.set(`${ns} ${key}`, looked);
      const expected = looked ?? (random.chance(0.6) ? old : undefined);
      const kind = random.next();
      const open = this.recorder.begin({
        ...{ who, ns },
        set: (id) =>
          kind < 0.1 && key !== other
            ? {}
            : kind < 0.4
              ? { [key]: `${id}:${key}`, [other]: `${id}:${other}` }
              : { [key]: `${id}:${key}` },
        del: kind < 0.1 && key !== other ? [key] : [],
        expect: expected ?? {},
      });
      try {
        const { commit } = await write(clone, {
          ...{ ns, subject: textOf(open.id) },
          operations: [
            ...Object.entries(open.set).map(
              ([at, text]) => ({ op: 'set', key: at, value: utf8(text), ctype: 'text/plain' }) as const,
            ),
            ...open.del.map((at) => ({ op: 'del', key: at }) as const),
          ],
          expectBlobs: new Map(Object.entries(open.expect).map(([at, text]) => [at, blobOf(text)])),
        });
        open.acknowledged(commit);
      } catch (error) {
        if (isAnswer(error)) open.refused(error.code);
      }
      this.done += 1;
    }
  }

  private look(who: string, clone: MemoryClient['clone'], ns: string, key: string) {
    return this.recorder.read({ who, ns, from: 'mirror' }, async () => {
      try {
        const { value } = await readKey(clone, { ns, key, ...MIRROR });
        return value instanceof Uint8Array ? { [key]: Buffer.from(value).toString() } : null;
      } catch (error) {
        if (KvError.is(error) && error.code === 'NOT_FOUND') return { [key]: null };
        if (KvError.is(error)) return null;
        throw error;
      }
    });
  }

  private async reader(who: string): Promise<void> {
    const { clone } = await this.open('ada');
    while (this.done < this.total) {
      await this.look(who, clone, this.random.pick(SPACES), this.random.pick(KEYS));
      await others();
    }
  }

  private async trouble(): Promise<void> {
    const { restarts, cuts } = this.plan;
    const steps = restarts + cuts;
    for (let step = 1; step <= steps; step++) {
      while (this.done < (this.total * step) / (steps + 1)) await others();
      if (step % Math.ceil(steps / Math.max(restarts, 1)) === 0 && restarts > 0) await this.restart();
      else this.gateway.cutStreams();
    }
  }

  private async restart(): Promise<void> {
    this.gateway = await started(await this.gateway.end());
    this.spoil();
  }

  private spoil(): void {
    const { around, mirror } = this.plan;
    if (around !== undefined) this.gateway.around = around;
    const place = placeNamed(this.gateway.name);
    const { read } = place;
    if (mirror !== undefined && read !== null)
      place.read = { ...read, refs: async (...args) => new Map(mirror(await read.refs(...args))) };
  }

  private async ledger(ns: string): Promise<Ledger> {
    const { store } = this.gateway;
    const paths = KEYS.map((key) => pathsOf(ns, placeOf(key, NAMER.hasher)).data);
    const valuesOf = async (tree: Oid): Promise<Record<string, string | null>> => {
      const blobs = await store.readPaths(tree, paths);
      return Object.fromEntries(KEYS.map((key, i) => [key, blobs[i] ? Buffer.from(blobs[i].body).toString() : null]));
    };
    let before: Record<string, string | null> = Object.fromEntries(KEYS.map((key) => [key, null]));
    const entries: LedgerEntry[] = [];
    const chain: Oid[] = [];
    const tip = (await store.refs([ledgerRef(ns)])).get(ledgerRef(ns));
    if (tip !== undefined) for await (const oid of store.history({ tip })) chain.unshift(oid);
    for (const commit of chain) {
      const [object] = await store.read([commit]);
      const { message, tree } = decodeCommit(object?.body ?? new Uint8Array(0), commit, store.objectFormat);
      const values = await valuesOf(tree);
      const changes = Object.fromEntries(Object.entries(values).filter(([key, value]) => before[key] !== value));
      entries.push({ commit, write: writeIn(message), changes });
      before = values;
    }
    return { ns, entries, values: before };
  }
}

const blobOf = (text: string | null): Oid | null => (text === null ? null : NAMER.oid('blob', utf8(text)));

/** Lets whatever else waits in this process go on. */
const others = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const NAMER = new ObjectNamer(nodeHasher(), 'sha1');

async function started(restored?: Awaited<ReturnType<MemoryGateway['backup']>>): Promise<MemoryGateway> {
  return MemoryGateway.start({
    ...{ format: 'sha1', writers: PEOPLE },
    policy: twoLedgers,
    ...(restored === undefined ? {} : { restored }),
  });
}

/** A policy with a second namespace, which is sequenced. */
export function twoLedgers(text: string): string {
  const main = text.slice(text.indexOf('  "main":'));
  return `${text}${main.replace('"main"', '"seq"').replace('ledger_mode: linear', 'ledger_mode: sequenced')}`;
}

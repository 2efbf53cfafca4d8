import { expect } from 'chai';
import type { Clone, Operation } from '../../../apps/sdk/index.js';
import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { KvError } from '../../../ports/error.js';
import { all } from '../../support/all.js';
import { failure } from '../../support/failure.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { openMemoryClone } from '../../support/memory/sdk.js';

const FROM = { readFrom: 'stargate' } as const;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Counts what a clone asks of its ports, and does something before the nth time. */
class Steps {
  taken = 0;
  at = 0;
  fire: () => void = () => undefined;

  readonly around = (clone: DomainClone): DomainClone => ({
    ...clone,
    store: this.counted(clone.store),
    remotes: this.counted(clone.remotes),
    stargate: this.counted(clone.stargate),
    clock: this.counted(clone.clock),
    fetched: this.counted(clone.fetched),
    forWriting: async () => {
      const ports = await clone.forWriting();
      return { ...ports, signer: this.counted(ports.signer) };
    },
  });

  private counted<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function' || name === 'now' || name === 'close') return value;
        return (...args: unknown[]): unknown => {
          if (++this.taken === this.at) this.fire();
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }
}

const operations: readonly Operation[] = [
  { op: 'set', key: 'a', value: 'changed' },
  { op: 'set', key: 'new', value: 'x' },
  { op: 'del', key: 'b' },
];

/** Every method, as one call that may be cancelled. */
const METHODS: Readonly<
  Record<
    keyof Omit<Clone, 'ns' | 'objectFormat' | 'close' | typeof Symbol.asyncDispose>,
    (clone: Clone, signal: AbortSignal, first: string) => Promise<unknown>
  >
> = {
  get: (clone, signal) => clone.get('a', { signal }),
  getStream: async (clone, signal) => all((await clone.getStream('big', { signal })).body),
  list: (clone, signal) => all(clone.list({ detail: true, signal })),
  set: (clone, signal) => clone.set('a', 'changed', { signal }),
  setStream: (clone, signal) => clone.setStream('big', [bytes('changed '.repeat(1000))], { maxInline: 512, signal }),
  del: (clone, signal) => clone.del(['a', 'b'], { signal }),
  transact: (clone, signal) => clone.transact(operations, { wait: true, signal }),
  cas: async (clone, signal) => clone.cas('c', 'changed', { expect: null, signal }),
  history: (clone, signal) => all(clone.history('a', { signal })),
  at: async (clone, signal, first) => (await clone.at(first, { signal })).get('a', { signal }),
  diff: (clone, signal, first) => clone.diff(first, undefined, { signal }),
  blame: (clone, signal) => all(clone.blame({ commits: true, signal })),
  watch: (clone, signal) => all(clone.watch({ since: 'oldest', once: true, signal })),
  wait: (clone, signal, first) => clone.wait(first, { signal }),
  snapshot: (clone, signal) => all(clone.snapshot({ signal })),
  verify: (clone, signal) => clone.verify({ full: true, signal }),
};

describe('the SDK: a call that is cancelled', () => {
  let gateway: MemoryGateway;
  let ada: Clone;
  let first: string;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    ada = await openMemoryClone(gateway, 'ada', FROM);
    first = (
      await ada.transact([
        { op: 'set', key: 'a', value: '1' },
        { op: 'set', key: 'b', value: '2' },
      ])
    ).commit as string;
    await ada.setStream('big', [bytes('large '.repeat(1000))], { maxInline: 512 });
    await gateway.mirrored();
  });
  afterEach(async () => {
    await ada.close();
    await gateway.close();
  });

  const tips = async (): Promise<string> => JSON.stringify([...(await gateway.refs())].sort());

  for (const [name, method] of Object.entries(METHODS)) {
    it(`${name}: at each of its steps, it ends, and leaves all or nothing`, async () => {
      let whole = false;
      let ended = 0;
      for (let at = 1; !whole; at++) {
        const steps = new Steps();
        const bob = await openMemoryClone(gateway, 'bob', FROM, steps.around);
        await all(bob.list()); // it knows the present, so that what is tried is the call itself
        const before = await tips();
        const controller = new AbortController();
        steps.fire = () => controller.abort();
        steps.at = steps.taken + at;
        const outcome = await method(bob, controller.signal, first).catch((error: unknown) => error);
        whole = !controller.signal.aborted; // more steps than these there are not
        const interrupted = KvError.is(outcome) && outcome.code === 'INTERRUPTED';
        if (interrupted) ended++;
        else if (outcome instanceof Error) throw outcome;
        const receipt = interrupted ? (outcome.details?.['receipt'] as { readonly commit: string } | undefined) : undefined;
        if (interrupted && receipt === undefined) expect(await tips(), `step ${at}`).to.equal(before);
        if (receipt !== undefined) expect(await tips()).to.contain(receipt.commit);
        expect((await bob.verify()).faults, `step ${at}`).to.deep.equal([]);
        steps.at = 0;
        await bob.get('big', { maxAge: 0 }); // the clone goes on
        await bob.close();
        if (await changed(before)) await putBack(ada);
      }
      if (name !== 'watch') expect(ended).to.be.greaterThan(0); // a watch just ends
      await failure(
        Promise.resolve(method(ada, AbortSignal.abort(), first)).then(() => failNoError(name)),
        'INTERRUPTED',
      );
    });
  }

  const changed = async (before: string): Promise<boolean> => (await tips()) !== before;
  const putBack = async (clone: Clone): Promise<void> => {
    await clone.transact([
      { op: 'set', key: 'a', value: '1' },
      { op: 'set', key: 'b', value: '2' },
      { op: 'del', key: 'new' },
      { op: 'del', key: 'c' },
    ]);
  };
  /** A watch whose signal has fired before it began ends like any other. */
  const failNoError = (name: string): void => {
    if (name === 'watch') throw new KvError('INTERRUPTED', 'it has ended');
  };

  it('a push that has begun is waited for, and its answer counts', async () => {
    const controller = new AbortController();
    const bob = await openMemoryClone(gateway, 'bob', FROM, (clone) => ({
      ...clone,
      remotes: {
        ...clone.remotes,
        async push(...args) {
          controller.abort();
          await clone.remotes.push(...args);
        },
      },
    }));
    const { commit } = await bob.set('a', 'landed', { signal: controller.signal });
    expect(await tips()).to.contain(commit);
    expect((await ada.get('a')).text()).to.equal('landed');
    await bob.close();
  });

  it('a push that is not answered is broken off, and the error says that nobody knows', async () => {
    const controller = new AbortController();
    let slept = 0;
    const pause = async (ms: number): Promise<void> => {
      slept = ms;
    };
    const bob = await openMemoryClone(gateway, 'bob', FROM, (clone) => ({
      ...clone,
      clock: { now: () => clone.clock.now(), sleep: pause },
      remotes: {
        ...clone.remotes,
        push: async (_remote, _updates, { signal }) =>
          new Promise((_, reject) => {
            signal?.addEventListener('abort', () => reject(new KvError('INTERRUPTED', 'broken off')));
            controller.abort();
          }),
      },
    }));
    const { details, message } = await failure(bob.set('a', 'x', { signal: controller.signal }), 'INTERRUPTED');
    expect(details).to.include({ landed: 'unknown', ns: 'main' });
    expect(details?.['txn']).to.match(/^[0-9A-Z]{26}$/);
    expect(message).to.contain(details?.['txn'] as string);
    expect(slept).to.equal(5000);
    await bob.close();
  });

  it('a stream that is stuck is left, and a stream that fails is the one that is heard', async () => {
    const controller = new AbortController();
    let left = false;
    const stuck: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next() {
          controller.abort();
          return new Promise(() => undefined);
        },
        async return() {
          left = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await failure(ada.setStream('k', stuck, { signal: controller.signal }), 'INTERRUPTED');
    expect(left).to.equal(true);
    const own = new Error('the tape is torn');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes('x');
      throw own;
    };
    expect(await ada.setStream('k', failing()).catch((error: unknown) => error)).to.equal(own);
    await failure(ada.get('k'), 'NOT_FOUND');
  });
});

describe('the SDK: its errors', () => {
  it('say nothing of a value', async () => {
    const CANARY = 'c4n4ry-s3cr3t';
    const gateway = await MemoryGateway.start({ format: 'sha1' });
    const ada = await openMemoryClone(gateway, 'ada', FROM);
    const stranger = await openMemoryClone(gateway, 'mallory', FROM);
    await ada.set('bin', new Uint8Array([0xff, ...bytes(CANARY)]));
    const { oid } = await ada.set('k', CANARY).then(() => ada.get('k'));
    const fails: (() => unknown)[] = [
      async () => (await ada.get('k')).json(),
      async () => (await ada.get('bin')).text(),
      () => ada.cas('k', `${CANARY}2`, { expect: null }),
      () => ada.cas('k', `${CANARY}2`, { expect: oid.replace(/./g, '0') }),
      () => ada.set('', CANARY),
      () => ada.set('k', CANARY, { ctype: 'no type' }),
      () => ada.set('k', [CANARY] as never),
      () => ada.setStream('k', [CANARY] as never),
      () => ada.set('lfs', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n${CANARY}`),
      () => ada.set('k', CANARY, { signal: AbortSignal.abort() }),
      () => ada.transact([{ op: CANARY, key: 'k' } as never]),
      () => stranger.set('k', CANARY),
    ];
    let failed = 0;
    for (const fail of fails) {
      const error: unknown = await Promise.resolve()
        .then(fail)
        .catch((thrown: unknown) => thrown);
      if (!KvError.is(error)) continue;
      failed++;
      for (let each: unknown = error; each instanceof Error; each = each.cause) {
        const { message, stack, hint, details } = each as KvError;
        expect(JSON.stringify({ message, stack, hint, details }), message).not.to.contain(CANARY);
      }
    }
    expect(failed).to.be.at.least(fails.length - 1);
    for (const clone of [ada, stranger]) await clone.close();
    await gateway.close();
  });
});

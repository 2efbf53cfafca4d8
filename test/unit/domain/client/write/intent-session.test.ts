import { expect } from 'chai';
import { IntentSession } from '../../../../../domain/client/sequence/session.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import {
  encodeAnswer,
  encodeFrame,
  encodeGreeting,
  FrameReader,
  type IntentAnswer,
} from '../../../../../domain/git/wire/intent-frames.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentConnection } from '../../../../../ports/clone/intent-stream.js';
import { formatRejection } from '../../../../../ports/rejection.js';
import { failure } from '../../../../support/failure.js';

const GREETING = {
  repository: 'r',
  format: 'sha1',
  maxFrame: 1000,
  traces: false,
  namespaces: [{ ns: 'main', mode: 'sequenced', epoch: 'e1' }],
} as const;
const OBJECTS = [{ oid: '0'.repeat(40), type: 'commit', body: utf8('x') }] as const;
const hello = (): Uint8Array => encodeFrame('H', encodeGreeting(GREETING));
const ordered = (id: number, epoch = 'e1'): IntentAnswer => ({
  id,
  outcome: {
    ...{ ns: 'main', txn: `t${id}`, commit: '1'.repeat(40), parent: null, tree: null, epoch },
    ...{ set: 1, del: 0, unchanged: [], lostTtl: [], retried: false },
  },
});
const answer = (one: IntentAnswer): Uint8Array => encodeFrame('A', encodeAnswer(one));

/** A connection whose other side is the test. */
class Wire implements IntentConnection {
  usable = true;
  closed = 0;
  /** Intents that have come. */
  intents = 0;
  private readonly reader = new FrameReader(() => 1000);
  private readonly said: (Uint8Array | null | KvError)[] = [];
  private wake = (): void => undefined;

  say(...what: (Uint8Array | null | KvError)[]): this {
    this.said.push(...what);
    this.wake();
    return this;
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.reader.push(bytes);
    while (this.reader.next() !== undefined) this.intents++;
  }

  async receive(): Promise<Uint8Array | null> {
    while (this.said.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    const next = this.said.shift() as Uint8Array | null | KvError;
    if (KvError.is(next)) throw next;
    return next;
  }

  close(): void {
    this.closed++;
    this.usable = false;
  }
}

describe('a client’s session of intents', () => {
  let wire: Wire;
  let session: IntentSession;
  beforeEach(() => {
    wire = new Wire();
    session = new IntentSession(Promise.resolve(wire));
  });
  const submit = () => session.submit(OBJECTS);
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('takes answers in any order, in pieces of any size, and knows the newest epoch', async () => {
    expect(session.epochOf('main')).to.equal(undefined);
    for (const byte of hello()) wire.say(Uint8Array.of(byte));
    expect((await session.greeting).maxFrame).to.equal(1000);
    expect(session.epochOf('main')).to.equal('e1');
    const [first, second] = [submit(), submit()];
    await settled();
    wire.say(answer(ordered(1, 'e2')), answer(ordered(0, 'e3')));
    expect([(await first).txn, (await second).txn]).to.deep.equal(['t0', 't1']);
    expect([session.epochOf('main'), wire.intents, session.usable]).to.deep.equal(['e3', 2, true]);
  });

  it('tells a refusal of one to its writer alone', async () => {
    wire.say(hello());
    const [first, second] = [submit(), submit()];
    const outcome = new KvError('CAS_CONFLICT', 'another epoch', { details: { ns: 'main', epoch: 'e9' } });
    wire.say(answer({ id: 0, outcome }), answer(ordered(1)));
    expect((await failure(first, 'CAS_CONFLICT')).details).to.deep.equal({ ns: 'main', epoch: 'e9' });
    expect((await second).txn).to.equal('t1');
  });

  for (const [what, said, code] of [
    ['ends', null, 'IO_ERROR'],
    ['breaks', new KvError('IO_ERROR', 'cut'), 'IO_ERROR'],
    ['says why it ends', encodeFrame('E', utf8(formatRejection(new KvError('NOT_LEADER', 'elsewhere')))), 'NOT_LEADER'],
    ['ends with what cannot be read', encodeFrame('E', utf8('?')), 'IO_ERROR'],
    ['says what is no frame', utf8('Welcome to this host'), 'IO_ERROR'],
    ['says what is no answer', encodeFrame('A', utf8('{}')), 'IO_ERROR'],
    ['answers what was not asked', answer(ordered(7)), 'IO_ERROR'],
    ['greets twice', hello(), 'IO_ERROR'],
    ['asks', encodeFrame('I', utf8('')), 'IO_ERROR'],
  ] as const) {
    it(`a side that ${what} leaves what was sent in doubt, and what comes after unsent`, async () => {
      wire.say(hello());
      await session.greeting;
      const open = submit();
      await settled();
      wire.say(said);
      expect((await failure(open, code)).details).to.include({ sent: 'all' });
      expect((await failure(submit(), code)).details).to.include({ sent: 'nothing' });
      expect([session.usable, wire.closed, wire.intents]).to.deep.equal([false, 1, 1]);
    });
  }

  it('without a greeting, nothing was sent', async () => {
    wire.say(new KvError('IO_ERROR', 'no route', { details: { sent: 'cut' } }));
    expect((await failure(session.greeting, 'IO_ERROR')).details).to.include({ sent: 'cut' });
    const other = new IntentSession(Promise.resolve(new Wire().say(answer(ordered(0)))));
    expect((await failure(other.greeting, 'IO_ERROR')).details).to.include({ sent: 'nothing' });
    const unopened = new IntentSession(Promise.reject(new KvError('NOT_SUPPORTED', 'no ssh')));
    await failure(unopened.greeting, 'NOT_SUPPORTED');
    expect(unopened.usable).to.equal(false);
  });

  it('that is retired is left when what is open is answered', async () => {
    wire.say(hello());
    const open = submit();
    session.retire();
    expect(session.usable).to.equal(false);
    await settled();
    expect(wire.closed).to.equal(0);
    wire.say(answer(ordered(0)));
    expect((await open).txn).to.equal('t0');
    await settled();
    expect(wire.closed).to.equal(1);
  });
});

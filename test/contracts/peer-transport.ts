import { expect } from 'chai';
import { KvError } from '../../ports/error.js';
import { MAX_PEER_BODY, type PeerHandler, type PeerTransport, type ReceivedAnswer } from '../../ports/stargate/peer-transport.js';

/** What is odd about a server that wants to speak to the others. */
export type OddPeer = 'cluster' | 'key' | 'clock' | 'next-version' | 'later-version';

/** The servers of one cluster, `one` and `two` among them. */
export interface PeerTransportBench {
  /** A server's side; it knows the addresses of all that take requests by then, and of those that are opened later. */
  open(self: string): Promise<PeerTransport>;
  /** A server that is not quite of the cluster; null where this transport has nothing of the kind. */
  openOdd(self: string, odd: OddPeer): Promise<PeerTransport | null>;
  /** How long a silent peer is waited for, ms: little. */
  readonly timeoutMs: number;
  dispose(): Promise<void>;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (said: string): Uint8Array => new TextEncoder().encode(said);

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let all = '';
  for await (const piece of stream) all += decoder.decode(piece, { stream: true });
  return all;
}

async function failure(attempt: Promise<unknown>): Promise<KvError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (KvError.is(error)) return error;
  throw new Error(`no KvError: ${String(error)}`);
}

/** What every transport between servers does. */
export function peerTransportContract(name: string, factory: () => Promise<PeerTransportBench>): void {
  describe(`peer-transport contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: PeerTransportBench;
    let one: PeerTransport;
    let two: PeerTransport;
    const echo: PeerHandler = async ({ from, topic, repository, body, stream }) => ({
      body: bytes(`${from} ${topic} ${repository} ${text(body)} ${await read(stream)}`),
    });
    const ask = (body = 'x', stream?: AsyncIterable<Uint8Array>): Promise<ReceivedAnswer> =>
      one.call('two', { topic: 'echo', repository: 'a/b', body: bytes(body), ...(stream === undefined ? {} : { stream }) });

    beforeEach(async () => {
      bench = await factory();
      one = await bench.open('one');
      two = await bench.open('two');
    });
    afterEach(async () => {
      await Promise.all([one.close(), two.close()]);
      await one.close(); // once more does nothing
      await bench.dispose();
    });

    it('brings a request to the other server, which knows whose it is, and its answer back', async () => {
      await two.serve(echo);
      expect(two.address).to.be.a('string');
      expect(two.servers).to.include('two');
      const answer = await one.call('two', { topic: 'echo', repository: 'ä/b c?&', body: bytes('hellö') });
      expect(text(answer.body)).to.equal('one echo ä/b c?& hellö ');
      expect(await read(answer.stream)).to.equal('');
    });

    it('carries streams both ways, whole and in order, however long', async () => {
      const piece = new Uint8Array(100_000).fill(97);
      async function* many(): AsyncIterable<Uint8Array> {
        yield bytes('first');
        yield new Uint8Array(0);
        for (let count = 0; count < 40; count++) yield piece;
        yield bytes('last');
      }
      await two.serve(async ({ stream }) => {
        const said = await read(stream);
        return { body: bytes(`${said.length} ${said.slice(0, 6)} ${said.slice(-6)}`), stream: many() };
      });
      const answer = await ask('x', many());
      expect(text(answer.body)).to.equal('4000009 firsta aalast');
      const back = await read(answer.stream);
      expect(`${back.length} ${back.slice(0, 6)} ${back.slice(-6)}`).to.equal('4000009 firsta aalast');
    });

    it('answers before a stream was read, and when it is read by nobody', async () => {
      await two.serve(async () => ({ body: bytes('enough') }));
      async function* long(): AsyncIterable<Uint8Array> {
        for (let count = 0; count < 100; count++) yield new Uint8Array(50_000);
      }
      expect(text((await ask('x', long())).body)).to.equal('enough');
      expect(text((await ask('x', long())).body)).to.equal('enough');
    });

    it('carries many requests at a time', async () => {
      await two.serve(echo);
      const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask(`request ${at}`)));
      expect(answers.map(({ body }) => text(body))).to.deep.equal(answers.map((_, at) => `one echo a/b request ${at} `));
    });

    it('tells an error of the other side as it is', async () => {
      await two.serve(async () => {
        throw new KvError('POLICY_VIOLATION', 'no: “ä”', { hint: 'ask\nanother', details: { limit: 3 } });
      });
      const { code, message, details } = await failure(ask());
      expect({ code, message, details }).to.deep.equal({ code: 'POLICY_VIOLATION', message: 'no: “ä”', details: { limit: 3 } });
      await two.close();
    });

    it('tells a fault of the other side as one, and goes on', async () => {
      let times = 0;
      await two.serve(async (request) => {
        if (times++ === 0) throw new TypeError('a bug');
        return echo(request);
      });
      expect((await failure(ask())).code).to.equal('UNEXPECTED');
      expect(text((await ask('again')).body)).to.equal('one echo a/b again ');
    });

    it('breaks a stream off where its sender fails, so that nobody takes a part for the whole', async () => {
      let heard: unknown;
      let begun: () => void = () => undefined;
      const isHeard = new Promise<void>((resolve) => {
        begun = resolve;
      });
      let end: () => void = () => undefined;
      const seen = new Promise<void>((resolve) => {
        end = resolve;
      });
      await two.serve(async ({ stream }) => {
        begun();
        heard = await read(stream).catch((error: unknown) => error);
        end();
        return { body: bytes('heard') };
      });
      async function* broken(): AsyncIterable<Uint8Array> {
        yield bytes('some');
        await isHeard;
        throw new Error('the disk is gone');
      }
      await ask('x', broken()).catch(() => undefined);
      await seen;
      expect(KvError.is(heard) && heard.code).to.equal('IO_ERROR');
    });

    it('breaks the stream of an answer off likewise', async () => {
      async function* broken(): AsyncIterable<Uint8Array> {
        yield bytes('some');
        throw new Error('the disk is gone');
      }
      await two.serve(async () => ({ body: bytes('x'), stream: broken() }));
      const whole = ask().then(({ stream }) => read(stream));
      expect((await failure(whole)).code).to.equal('IO_ERROR');
    });

    it('names whoever can’t be reached, and whose address nobody knows', async () => {
      const unknown = await failure(one.call('nobody', { topic: 'echo', repository: '', body: bytes('') }));
      expect(unknown.code).to.equal('NOT_FOUND');
      expect(unknown.message).to.include('nobody');
      await two.serve(echo);
      await ask();
      await two.close();
      const gone = await failure(ask());
      expect(gone.code).to.equal('IO_ERROR');
      expect(gone.message).to.include('two');
    });

    it('gives up a peer that accepts and never answers', async () => {
      await two.serve(() => new Promise(() => undefined));
      const began = performance.now();
      expect((await failure(ask())).code).to.equal('IO_ERROR');
      expect(performance.now() - began).to.be.lessThan(10 * bench.timeoutMs + 2000);
      const soon = await failure(one.call('two', { topic: 'echo', repository: '', body: bytes('') }, { withinMs: 20 }));
      expect(soon.code).to.equal('IO_ERROR');
    });

    it('waits for the stream of an answer that takes long to begin, and gives up one that never answers', async () => {
      await two.serve(async () => ({ body: bytes('soon'), stream: late() }));
      async function* late(): AsyncIterable<Uint8Array> {
        await new Promise((resolve) => setTimeout(resolve, 5 * bench.timeoutMs));
        yield bytes('at last');
      }
      const { body, stream } = await ask();
      expect([text(body), await read(stream)]).to.deep.equal(['soon', 'at last']);
    });

    it('ends a call by its signal', async () => {
      await two.serve(() => new Promise(() => undefined));
      const stop = new AbortController();
      const call = one.call('two', { topic: 'echo', repository: '', body: bytes('') }, { signal: stop.signal });
      setImmediate(() => stop.abort());
      expect((await failure(call)).code).to.equal('INTERRUPTED');
    });

    it('refuses a topic that is none, and a body that is too long', async () => {
      await two.serve(echo);
      const odd = await failure(one.call('two', { topic: '../x', repository: '', body: bytes('') }));
      expect(odd.code).to.equal('INPUT_INVALID');
      const long = { topic: 'echo', repository: '', body: new Uint8Array(MAX_PEER_BODY + 1) };
      expect((await failure(one.call('two', long))).code).to.equal('INPUT_INVALID');
    });

    it('refuses to speak to itself, and to a server of its own name', async () => {
      await one.serve(echo);
      const { code, details } = await failure(one.call('one', { topic: 'echo', repository: '', body: bytes('') }));
      expect({ code, reason: details?.['reason'] }).to.deep.equal({ code: 'PEER_REFUSED', reason: 'self' });
    });

    for (const [odd, reason] of [
      ['cluster', 'cluster'],
      ['key', 'key'],
      ['clock', 'clock'],
      ['later-version', 'version'],
    ] as const)
      it(`refuses a server of another ${reason} by that name, and hands its handler nothing`, async function () {
        const stranger = await bench.openOdd('three', odd);
        if (stranger === null) return this.skip();
        let handled = 0;
        await two.serve(async (request) => {
          handled++;
          return echo(request);
        });
        const error = await failure(stranger.call('two', { topic: 'echo', repository: '', body: bytes('') }));
        expect({ code: error.code, reason: error.details?.['reason'] }, error.message).to.deep.equal({
          code: 'PEER_REFUSED',
          reason,
        });
        if (reason === 'version') expect(error.message).to.match(/version 1\b.*\b3\b|\b3\b.*version 1\b|\b3\b.*\b1\b/);
        expect(handled).to.equal(0);
        await stranger.close();
      });

    it('understands the version after its own, both ways', async function () {
      const newer = await bench.openOdd('three', 'next-version');
      if (newer === null) return this.skip();
      await two.serve(echo);
      expect(text((await newer.call('two', { topic: 'echo', repository: '', body: bytes('new') })).body)).to.equal(
        'three echo  new ',
      );
      await newer.serve(echo);
      expect(text((await two.call('three', { topic: 'echo', repository: '', body: bytes('old') })).body)).to.equal(
        'two echo  old ',
      );
      await newer.close();
    });

    it('asks nobody once it is closed', async () => {
      await two.serve(echo);
      await one.close();
      expect((await failure(ask())).code).to.equal('IO_ERROR');
    });
  });
}

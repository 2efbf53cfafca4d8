import { expect } from 'chai';
import type { IntentConnection, IntentStream } from '../../ports/clone/intent-stream.js';
import { rejects } from './git-store-parts/bench.js';

/** What the other side of a stream does. */
export type IntentStreamServer =
  /** Sends back what comes, to its end. */
  | 'echo'
  /** Refuses with a `kv-error/1` line of `POLICY_VIOLATION`. */
  | 'refuse'
  /** Says `hello` and ends well. */
  | 'greet'
  /** Says `hello` and breaks off. */
  | 'break'
  /** Takes what comes only once it has been told to, by the bench's `release`, and then sends back how many bytes they were. */
  | 'count';

/** What the suite is run on. */
export interface IntentStreamBench {
  readonly stream: IntentStream;
  /** The other side of a remote `origin`, for the connections that are opened from now on. */
  serve(how: IntentStreamServer): Promise<void>;
  /** Has a side that counts take what has come. */
  release(): Promise<void>;
  /** Nobody can be reached any more. */
  vanish(): Promise<void>;
  /** The remote `origin` has no push URL any more. */
  forget(): Promise<void>;
  dispose(): Promise<void>;
}

const REMOTE = 'origin';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All that comes, as text. */
async function all(connection: IntentConnection): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for (let piece = await connection.receive(); piece !== null; piece = await connection.receive())
    text += decoder.decode(piece, { stream: true });
  return text;
}

/** So many bytes, as text. */
async function some(connection: IntentConnection, length: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  while (text.length < length) {
    const piece = await connection.receive();
    if (piece === null) break;
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}

/** Every promise of the `intent-stream` port. */
export function intentStreamContract(name: string, factory: () => Promise<IntentStreamBench>): void {
  describe(`intent-stream contract: ${name}`, () => {
    let bench: IntentStreamBench;
    beforeEach(async () => {
      bench = await factory();
    });
    afterEach(async () => {
      await bench.stream.close?.();
      await bench.dispose();
    });

    it('carries bytes both ways, in order, on as many connections as are opened', async () => {
      await bench.serve('echo');
      const [one, two] = [await bench.stream.open(REMOTE), await bench.stream.open(REMOTE)];
      await one.send(bytes('first '));
      await two.send(bytes('another'));
      await one.send(bytes('second'));
      expect(await some(one, 12)).to.equal('first second');
      expect(await some(two, 7)).to.equal('another');
      await one.send(bytes('third'));
      expect(await some(one, 5)).to.equal('third');
      expect(one.usable).to.equal(true);
    });

    it('gives what was said before an end that is well, and then the end', async () => {
      await bench.serve('greet');
      const connection = await bench.stream.open(REMOTE);
      expect(await all(connection)).to.equal('hello');
      expect(await connection.receive()).to.equal(null);
      expect(connection.usable).to.equal(false);
      await connection.send(bytes('too late')); // no error: receive tells of the end
    });

    it('tells a refusal in the Stargate’s own words', async () => {
      await bench.serve('refuse');
      const connection = await bench.stream.open(REMOTE);
      await rejects(all(connection), 'POLICY_VIOLATION');
      await rejects(connection.receive(), 'POLICY_VIOLATION');
    });

    it('tells of a side that breaks off, and of one that can’t be reached', async () => {
      await bench.serve('break');
      const connection = await bench.stream.open(REMOTE);
      expect(await some(connection, 5)).to.equal('hello');
      await rejects(connection.receive(), 'IO_ERROR');
      await bench.vanish();
      await rejects((await bench.stream.open(REMOTE)).receive(), 'IO_ERROR');
    });

    it('has whoever sends wait for the other side', async () => {
      await bench.serve('count');
      const connection = await bench.stream.open(REMOTE);
      const sent = { pieces: 0 };
      const piece = new Uint8Array(64 * 1024);
      const sending = (async () => {
        for (; sent.pieces < 64; sent.pieces++) await connection.send(piece);
      })();
      let before = -1;
      while (before < sent.pieces) {
        before = sent.pieces;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(sent.pieces).to.be.lessThan(64);
      await bench.release();
      await sending;
      expect(await some(connection, 7)).to.equal(String(64 * piece.length));
    });

    it('is left at once, and more than once; what was asked then has come to its end', async () => {
      await bench.serve('echo');
      const connection = await bench.stream.open(REMOTE);
      const asked = connection.receive();
      connection.close();
      connection.close();
      expect(await asked).to.equal(null);
      expect(connection.usable).to.equal(false);
      await connection.send(bytes('too late'));
      const other = await bench.stream.open(REMOTE);
      await bench.stream.close?.();
      await bench.stream.close?.();
      expect(other.usable).to.equal(false);
    });

    it('knows what is no remote’s name, and a remote without a push URL', async () => {
      await bench.serve('echo');
      await rejects(bench.stream.open('--upload-pack=x'), 'INPUT_INVALID');
      await bench.forget();
      await rejects(bench.stream.open(REMOTE), 'CONFIG_INVALID');
    });
  });
}

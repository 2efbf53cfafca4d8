import { expect } from 'chai';
import { placeNamed } from '../../adapters/remote-memory/open.js';
import { encodeFrame, encodeObjects, type Frame, FrameReader } from '../../domain/git/wire/intent-frames.js';
import type { Commit } from '../../domain/git/commit.js';
import { entrySize, MODE_FILE, writeEntry } from '../../domain/git/tree/tree.js';
import { MAX_OPERATIONS } from '../../domain/ledger/intent/intent-operations.js';
import { KvError } from '../../ports/error.js';
import { parseRejection } from '../../ports/rejection.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { IntentMaker, type IntentWish } from '../support/formats/intents.js';
import { largeValue } from '../support/formats/large-value.js';
import { MemoryGateway } from '../support/memory/gateway.js';

const policy = (text: string): string =>
  text
    .replace('ledger_mode: linear', 'ledger_mode: sequenced')
    .replace('allowed_prefixes: []', 'allowed_prefixes: ["cfg:"]')
    .replace('\nstargate:\n', '\nstargate:\n  limits: { intent_silence: 1s }\n');

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`bad intents (${format})`, () => {
    let gateway: MemoryGateway;
    let maker: IntentMaker;

    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada'], policy });
      maker = new IntentMaker(gateway.people, gateway.repositoryId, format);
    });
    afterEach(() => gateway.close());

    const refused = async (wish: IntentWish, code: string, words: string, more: Parameters<MemoryGateway['order']>[1] = []) => {
      const { objects } = await maker.make('ada', wish);
      const error = await gateway.order('ada', [...objects, ...more]).then(
        () => expect.fail('it was ordered'),
        (thrown: unknown) => thrown,
      );
      expect(KvError.is(error) ? error.code : error, String(error)).to.equal(code);
      expect((error as KvError).message).to.contain(words);
      expect((await gateway.refs()).has('refs/kv/main')).to.equal(false);
    };

    it('are refused with more operations than one may have', async () => {
      const del = Array.from({ length: MAX_OPERATIONS + 1 }, (_, i) => `cfg:${i}`);
      await refused({ del }, 'ATTESTATION_MISMATCH', 'invalid operations');
    });

    it('are refused with one key twice, in operations and in expectations', async () => {
      await refused({ del: ['cfg:a', 'cfg:a'] }, 'ATTESTATION_MISMATCH', 'invalid operations');
      const expected = { key: 'cfg:a', blob: null };
      await refused({ set: { 'cfg:a': '1' }, expect: [expected, expected] }, 'ATTESTATION_MISMATCH', 'invalid operations');
    });

    it('are refused with a key of a forbidden prefix', async () => {
      await refused({ set: { 'cfg:a': '1', other: '2' } }, 'POLICY_VIOLATION', '"other"');
    });

    it('are refused with a file that is not an intent’s', async () => {
      const { objects } = await maker.make('ada', { set: { 'cfg:a': '1' } });
      const [commit, ...rest] = objects;
      const root = rest.find(({ oid }) => Buffer.from(commit?.body ?? []).includes(`tree ${oid}`));
      const [name, blob] = ['zzz', maker.namer.object('blob', Buffer.from('stray'))];
      const entry = new Uint8Array(entrySize(MODE_FILE, name, blob.oid));
      writeEntry(MODE_FILE, name, blob.oid, entry, 0);
      const tree = maker.namer.object('tree', Buffer.concat([root?.body ?? new Uint8Array(), entry]));
      const wish = { set: { 'cfg:a': '1' }, commit: (one: Commit) => ({ ...one, tree: tree.oid }) };
      await refused(wish, 'ATTESTATION_MISMATCH', 'a file that is not an intent’s', [blob, tree]);
    });

    it('are refused with a chunk that neither they nor the epoch have', async () => {
      const { manifests = [] } = largeValue(maker.namer, 'cfg:large', 'x').wish;
      await refused({ manifests }, 'ATTESTATION_MISMATCH', 'chunk');
    });

    it('are refused that another Stargate was meant to get', async () => {
      const other = await MemoryGateway.start({ format, writers: ['ada'], policy, people: gateway.people });
      try {
        const made = await new IntentMaker(gateway.people, other.repositoryId, format).make('ada', { set: { 'cfg:a': '1' } });
        await other.order('ada', made.objects);
        const error = await gateway.order('ada', made.objects).then(
          () => null,
          (thrown: unknown) => thrown as KvError,
        );
        expect([error?.code, error?.message]).to.satisfy(([code, text]: string[]) => {
          return code === 'POLICY_VIOLATION' && text?.includes(`made for repository ${other.repositoryId}`);
        });
      } finally {
        await other.close();
      }
    });

    describe('on a stream that falls silent', () => {
      /** Sends these bytes, and then nothing; gives the frames that came until the other side ended. */
      const silentAfter = async (bytes: Uint8Array): Promise<Frame[]> => {
        const reader = new FrameReader(() => 2 ** 20);
        let leave: () => void = () => undefined;
        const received = async function* () {
          yield bytes;
          await new Promise<void>((resolve) => (leave = resolve));
        };
        await placeNamed(gateway.name).intents?.serve({
          ...{ as: 'ada', received: received() },
          send: async (piece) => reader.push(piece),
        });
        leave();
        const frames: Frame[] = [];
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame);
        return frames;
      };

      it('end well once all is answered', async () => {
        const { objects } = await maker.make('ada', { set: { 'cfg:a': '1' } });
        const frames = await silentAfter(encodeFrame('I', encodeObjects(objects)));
        expect(frames.map(({ kind }) => kind)).to.deep.equal(['H', 'A']);
      });

      it('end with the reason when it stops in the middle of a frame, and none of it is ordered', async () => {
        const { objects } = await maker.make('ada', { set: { 'cfg:a': '1' } });
        const frames = await silentAfter(encodeFrame('I', encodeObjects(objects)).subarray(0, -1));
        expect(frames.map(({ kind }) => kind)).to.deep.equal(['H', 'E']);
        const error = parseRejection(Buffer.from(frames[1]?.payload ?? []).toString());
        expect([error?.code, error?.message]).to.deep.equal([
          'IO_ERROR',
          'nothing has moved on the stream of intents, and it stops within a frame',
        ]);
        expect((await gateway.refs()).has('refs/kv/main')).to.equal(false);
      });
    });
  });
}

describe('frames of intents', () => {
  it('are the same in whatever pieces they come', () => {
    const frames = Array.from({ length: 5 }, (_, i) => encodeFrame('I', Buffer.alloc(i * 7 + 1, i)));
    const all = Buffer.concat(frames);
    for (const size of [1, 2, 3, 6, 11, all.length]) {
      const reader = new FrameReader(() => 100);
      const seen: Frame[] = [];
      for (let at = 0; at < all.length; at += size) {
        reader.push(all.subarray(at, at + size));
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) seen.push(frame);
      }
      expect(
        seen.map(({ kind, payload }) => Buffer.from(encodeFrame(kind, payload)).toString('hex')),
        String(size),
      ).to.deep.equal(frames.map((frame) => Buffer.from(frame).toString('hex')));
      expect(reader.waiting).to.equal(0);
    }
  });

  it('take about as much memory as they have bytes, were each to come by itself', () => {
    const reader = new FrameReader(() => 2 ** 20);
    const bytes = encodeFrame('I', new Uint8Array(2 ** 20 - 1));
    const pieces = 200_000;
    for (let at = 0; at < pieces; at++) reader.push(new Uint8Array([bytes[at] ?? 0]));
    expect(reader.waiting).to.equal(pieces);
    expect(reader.room).to.be.at.most(2 * pieces);
  });
});

import { expect } from 'chai';
import { type Journal, type JournalRecord, KvError } from '../../ports/index.js';

/** A journal that outlives its handles: each `open` sees what earlier ones have appended. */
export interface JournalBench {
  open(): Promise<Journal>;
  dispose(): Promise<void>;
}

/** A journal whose records are bytes in one place, which a test can damage. */
export interface FileJournalBench extends JournalBench {
  read(): Promise<Buffer>;
  write(bytes: Buffer): Promise<void>;
}

async function codeOf(attempt: Promise<unknown>): Promise<string | null> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return KvError.is(error) ? error.code : null;
}

/** An intent of one ref, the same for the same number. */
export function sampleIntent(number: number): JournalRecord {
  return {
    kind: 'intent',
    id: String(number).padStart(26, '0'),
    term: 3,
    ts: '2026-01-02T03:04:05.678Z',
    updates: [{ ref: 'refs/kv/main', old: null, next: 'ab'.repeat(20) }],
    events: [
      {
        v: 1,
        ns: 'main',
        epoch: '2026Q1',
        oid: 'ab'.repeat(20),
        txn: 'T'.repeat(26),
        received: '2026-01-02T03:04:05.678Z',
        signer: 'Zoë 🚀\nnext line',
        set: 1,
        del: 0,
        parentEpoch: null,
      },
    ],
  };
}

/** All records, in their order. */
export async function replayed(journal: Journal): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of journal.replay()) records.push(record);
  return records;
}

/** What every journal does. */
export function journalContract(name: string, factory: () => Promise<JournalBench>): void {
  describe(`journal contract: ${name}`, () => {
    let bench: JournalBench;
    let journal: Journal;

    beforeEach(async () => {
      bench = await factory();
      journal = await bench.open();
    });
    afterEach(async () => {
      await journal.close();
      await bench.dispose();
    });

    /** Closes and opens again, as a restart does. */
    const restart = async (): Promise<void> => {
      await journal.close();
      journal = await bench.open();
    };

    it('is empty at first', async () => {
      expect(await replayed(journal)).to.deep.equal([]);
    });

    it('replays in the order of the appends, also after a restart', async () => {
      const intent = sampleIntent(1);
      const records: JournalRecord[] = [
        intent,
        { kind: 'done', id: '1' },
        { kind: 'mirrored', id: '1', ts: '2026-01-02T03:04:06.000Z' },
        { kind: 'aborted', id: '2' },
      ];
      for (const record of records) await journal.append(record);
      expect(await replayed(journal)).to.deep.equal(records);
      await restart();
      expect(await replayed(journal)).to.deep.equal(records);
      await journal.append(sampleIntent(3));
      expect(await replayed(journal)).to.have.length(5);
    });

    it('keeps the order of appends that wait at the same time, synced or not', async () => {
      const numbers = Array.from({ length: 200 }, (_, at) => at);
      await Promise.all(numbers.map((number) => journal.append(sampleIntent(number), { sync: number % 3 !== 0 })));
      const ids = (await replayed(journal)).map((record) => Number(record.id));
      expect(ids).to.deep.equal(numbers);
    });

    it('replays what was there when the replay began, while appends go on', async () => {
      await journal.append(sampleIntent(1));
      const seen: string[] = [];
      for await (const record of journal.replay()) {
        seen.push(record.id);
        await journal.append(sampleIntent(2));
      }
      expect(seen).to.have.length(1);
      expect(await replayed(journal)).to.have.length(2);
    });

    it('rewrites its whole content and goes on behind it', async () => {
      for (const number of [1, 2, 3]) await journal.append(sampleIntent(number));
      await journal.rewrite([sampleIntent(3)]);
      await journal.append({ kind: 'done', id: '3' });
      const expected = [sampleIntent(3), { kind: 'done', id: '3' }];
      expect(await replayed(journal)).to.deep.equal(expected);
      await restart();
      expect(await replayed(journal)).to.deep.equal(expected);
      await journal.rewrite([]);
      expect(await replayed(journal)).to.deep.equal([]);
    });

    it('is read by another opening while its writer goes on, where it says so', async () => {
      if (journal.capabilities.readBeside !== true) return expect(journal.capabilities).to.not.have.property('readBeside', true);
      await journal.append(sampleIntent(1));
      const beside = await bench.open();
      expect(await replayed(beside)).to.deep.equal([sampleIntent(1)]);
      await journal.append(sampleIntent(2));
      expect(await replayed(beside)).to.have.length(2);
      await beside.close();
      await journal.append(sampleIntent(3));
      await restart();
      return expect(await replayed(journal)).to.deep.equal([1, 2, 3].map(sampleIntent));
    });

    it('refuses to append once closed, and closes twice', async () => {
      await journal.close();
      await journal.close();
      expect(await codeOf(journal.append(sampleIntent(1)))).to.equal('IO_ERROR');
    });
  });
}

/** What a journal in a file does besides when the file was damaged. */
export function journalDamageContract(name: string, factory: () => Promise<FileJournalBench>): void {
  describe(`journal contract, damage: ${name}`, () => {
    let bench: FileJournalBench;
    let journal: Journal;

    beforeEach(async () => {
      bench = await factory();
      journal = await bench.open();
    });
    afterEach(async () => {
      await journal.close();
      await bench.dispose();
    });

    it('drops a tail that is torn at any byte, and appends behind the last good record', async function () {
      this.timeout(60_000);
      await journal.append(sampleIntent(1));
      const short = (await bench.read()).length;
      await journal.append(sampleIntent(2));
      const whole = await bench.read();
      for (let cut = short; cut < whole.length; cut++) {
        await journal.close();
        await bench.write(whole.subarray(0, cut));
        journal = await bench.open();
        if (cut % 2 === 0) expect(await replayed(journal), `cut at ${cut}`).to.deep.equal([sampleIntent(1)]);
        // Shorter than most of what is torn: nothing of that may be left behind it.
        await journal.append({ kind: 'done', id: '9' });
        expect((await bench.read()).at(-1), `cut at ${cut}`).to.equal('\n'.charCodeAt(0));
        await journal.close();
        journal = await bench.open();
        expect(await replayed(journal), `cut at ${cut}`).to.deep.equal([sampleIntent(1), { kind: 'done', id: '9' }]);
      }
    });

    it('calls a flipped byte JOURNAL_CORRUPT, in replay and in append, and leaves the file as it is', async function () {
      this.timeout(60_000);
      const start = (await bench.read()).length;
      await journal.append(sampleIntent(1));
      await journal.append(sampleIntent(2));
      const whole = await bench.read();
      // Without its last byte, the last record is one that was never finished.
      for (let at = start; at < whole.length - 1; at++) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 0x01;
        await journal.close();
        await bench.write(damaged);
        journal = await bench.open();
        const attempt = at % 2 === 0 ? replayed(journal) : journal.append(sampleIntent(3));
        expect(await codeOf(attempt), `flipped at ${at}`).to.equal('JOURNAL_CORRUPT');
        expect((await bench.read()).equals(damaged)).to.equal(true);
      }
    });
  });
}

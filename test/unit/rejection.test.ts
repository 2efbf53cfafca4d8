import { expect } from 'chai';
import { problemOf } from '../../apps/http/problem.js';
import { type ErrorCode, KvError } from '../../ports/error.js';
import { formatRejection, parseRejection } from '../../ports/rejection.js';

/** What a client reads of an error of the Stargate. */
const told = (code: ErrorCode, message: string, hint?: string): string | undefined => {
  const read = parseRejection(formatRejection(new KvError(code, message, hint === undefined ? {} : { hint })));
  return hint === undefined ? read?.message : read?.hint;
};

describe('what is told across a connection of trouble with the own disk', () => {
  it('names files, and not where they lie', () => {
    for (const [message, shown] of [
      [
        '/srv/git-kv/journal.db: cannot append: database is locked (SQLITE_BUSY)',
        'journal.db: cannot append: database is locked (SQLITE_BUSY)',
      ],
      ["EIO: i/o error, fsync '/var/lib/kv/journal.ndjson'", "EIO: i/o error, fsync 'journal.ndjson'"],
      ['cannot open /journal (/a/b)', 'cannot open journal (b)'],
      [
        'the disk of the Stargate at ssh://kv.example.org/main.git is full',
        'the disk of the Stargate at ssh://kv.example.org/main.git is full',
      ],
      ['2 MiB/s and 1/2 of /', '2 MiB/s and 1/2 of /'],
    ] as const)
      for (const code of ['BUSY', 'IO_ERROR', 'JOURNAL_CORRUPT', 'STORAGE_FULL', 'UNEXPECTED'] as const)
        expect(told(code, message), code).to.equal(shown);
    expect(told('IO_ERROR', 'x', 'look at /srv/git-kv/log')).to.equal('look at log');
  });

  it('names no more over HTTP', () => {
    const error = new KvError('IO_ERROR', '/srv/data/pack: cannot read', { hint: 'look at /srv/data' });
    expect(problemOf(error)).to.deep.equal({ status: 500, code: 'IO_ERROR', detail: 'pack: cannot read', hint: 'look at data' });
    expect(problemOf(new KvError('NOT_FOUND', "no file '/srv/x'"))).to.deep.include({ detail: "no file '/srv/x'" });
  });

  it('leaves other words as they are: a key may look like a path', () => {
    expect(told('NOT_FOUND', "there is no key '/srv/git-kv/x'")).to.equal("there is no key '/srv/git-kv/x'");
  });
});

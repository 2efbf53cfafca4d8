import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { write } from '../../../domain/client/write/write.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { principal } from '../../../domain/access/principal.js';
import type { ExecSession } from '../../../apps/stargate/exec-session.js';
import { formatLine, type Log } from '../../../apps/stargate/log/log.js';
import { steadySink } from '../../../apps/stargate/log/log-sink.js';
import { GitWords } from '../../../apps/stargate/push/git-words.js';
import { claimedTransactions, logAccepted, logEmpty, logRefused } from '../../../apps/stargate/push/push-line.js';
import { KvError } from '../../../ports/error.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { openMemoryClient } from '../../support/memory/client.js';

const SESSION: ExecSession = {
  ...{
    pusher: principal('ada', 'writer'),
    fingerprint: 'SHA256:abc',
    request: 'r1',
    remote: '192.0.2.1:5',
    gitProtocol: undefined,
  },
  ...{ input: new PassThrough(), output: new PassThrough(), complain: () => undefined, gone: new AbortController().signal },
  pusherNow: () => principal('ada', 'writer'),
};
const FACTS = { bytes: 10, ms: 12.4, gatewayMs: 3.6 };
const moved = (ref: string) => ({ ref, old: null, next: 'a'.repeat(40) });

describe('stargate: the log of pushes', () => {
  let lines: Record<string, unknown>[];
  let log: Log;
  beforeEach(() => {
    lines = [];
    const at = (level: string) => (event: string, fields?: Parameters<Log['info']>[1]) =>
      void lines.push(JSON.parse(formatLine(level, 0, event, fields)) as Record<string, unknown>);
    log = { info: at('info'), warn: at('warn'), error: at('error') };
  });

  it('says of an accepted push who, where, which transactions, and how much', () => {
    const transactions = [
      { ns: 'main', txn: 'T1', set: 2, del: 0, signer: 'ada' },
      { ns: 'main', txn: 'T2', set: 1, del: 3, signer: 'bob' },
    ];
    logAccepted(log, SESSION, { ...FACTS, transactions, commands: [moved('refs/kv/main'), moved('refs/kv-index/main')] });
    expect(lines).to.deep.equal([
      {
        ...{ ts: '1970-01-01T00:00:00.000Z', level: 'info', event: 'push.accepted' },
        ...{ request: 'r1', pusher: 'ada', fingerprint: 'SHA256:abc', remote: '192.0.2.1:5' },
        ...{ ns: ['main'], txns: ['T1', 'T2'], set: 3, del: 3, refs: [], bytes: 10, ms: 12, gateway_ms: 4 },
        ...{ signers: ['ada', 'bob'], code: 'OK' },
      },
    ]);
  });

  it('says of a refused push why, and makes what a client chose safe', () => {
    const commands = [moved('refs/heads/\u202eevil\u0085'), ...Array.from({ length: 30 }, (_, i) => moved(`refs/tags/v${i}`))];
    logRefused(log, SESSION, new KvError('REF_FORBIDDEN', 'no'), { ...FACTS, commands, transactions: [] });
    expect(lines[0]).to.include({ level: 'warn', event: 'push.refused', code: 'REF_FORBIDDEN', message: 'no', request: 'r1' });
    expect(lines[0]).to.not.have.any.keys('set', 'del');
    expect(((lines[0]?.['refs'] ?? []) as string[]).slice(-2)).to.deep.equal(['refs/tags/v18', '… 11 more']);
    logEmpty(log, SESSION);
    expect(lines[1]).to.include({ event: 'push.empty', pusher: 'ada', request: 'r1' });
  });

  it('has no character that steers a terminal or hides, in any line', () => {
    const text = 'a\u001b[2J\u007f\u0085\u00ad\u200b\u202e\u2066\u2028\ufeff\u{e0041}z';
    const line = formatLine('info', 0, 'x', { text, list: [text] });
    expect(line).to.match(/^[\x20-\x7e]+$/);
    expect((JSON.parse(line) as { text: string }).text, 'nothing is lost').to.equal(text);
  });

  it('takes what a refused push says of its transactions from it, newest last', async () => {
    const gateway = await MemoryGateway.start({ format: 'sha1' });
    const client = await openMemoryClient(gateway, 'ada');
    try {
      const written: string[] = [];
      for (const key of ['a', 'b']) {
        const set = { op: 'set', key, value: utf8('secret'), ctype: 'text/plain' } as const;
        written.push((await write(client.clone, { ns: 'main', operations: [set] })).txn ?? '');
      }
      const [ref, next] = ['refs/kv/main', (await gateway.refs()).get('refs/kv/main') ?? null];
      const all = await claimedTransactions(gateway.store, [{ ref, old: null, next }]);
      expect(all).to.deep.equal(written.map((txn) => ({ ns: 'main', txn, set: 1, del: 0 })));
      const none = ['b'.repeat(40), (await gateway.refs()).get('refs/kv-index/main') ?? null].map((odd) => ({
        ref,
        old: null,
        next: odd,
      }));
      expect(await claimedTransactions(gateway.store, none), 'what can not be read').to.deep.equal([]);
    } finally {
      await client.close();
      await gateway.close();
    }
  });
});

describe('stargate: what git says to a pusher', () => {
  const said = (...parts: string[]): GitWords => {
    const words = new GitWords({ output: () => undefined, errors: () => undefined });
    for (const part of parts) words.client.output(Buffer.from(part, 'latin1'));
    return words;
  };
  it('is understood across packets', () => {
    const words = said('0030\u0002fatal: sha1 file write error. Out', '0013\u0002 of diskspace\n');
    expect([words.sayNoRoom, words.tellOfNoRoom, words.complaint]).to.deep.equal([
      ...[true, true],
      'sha1 file write error. Out of diskspace',
    ]);
  });
  it('may name no reason', () => {
    const words = said('unpack unable to create temporary object directory');
    expect([words.sayNoRoom, words.tellOfNoRoom, words.complaint]).to.deep.equal([false, true, 'it gave no reason']);
    expect(said('0042\u0002remote: error: object is missing\n').tellOfNoRoom).to.equal(false);
  });
});

describe('stargate: a log whose disk is full', () => {
  it('goes on, and tells how many lines are lost', () => {
    const written: string[] = [];
    let full = false;
    const sink = steadySink(
      (line) => {
        if (full) throw new Error('ENOSPC');
        written.push(line);
      },
      (lines) => `lost ${lines}\n`,
    );
    sink('1\n');
    full = true;
    sink('2\n');
    sink('3\n');
    full = false;
    sink('4\n');
    sink('5\n');
    expect(written).to.deep.equal(['1\n', '\nlost 2\n', '4\n', '5\n']);
  });
});

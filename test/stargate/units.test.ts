import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { ERROR_CODES, KvError } from '../../ports/error.js';
import { EXIT_CODES } from '../../apps/exit-codes.js';
import { parseEndpoint, portOfSshUrl, showEndpoint } from '../../apps/stargate/endpoints.js';
import { formatLine } from '../../apps/stargate/log/log.js';
import { encodePkt, FLUSH_PKT, MAX_PAYLOAD, PktReader } from '../../ports/grammar/git-words/pkt-line.js';
import { quarantineOf } from '../../apps/stargate/push/pre-receive.js';
import { reportProcReceive } from '../../apps/stargate/push/proc-receive.js';
import { PushStream } from '../../domain/git/wire/push-request.js';
import { repositoryIds } from '../../apps/stargate/repository/repository-id.js';
import { undoStack } from '../../apps/stargate/process/undo.js';
import { splitQuoted } from '../../apps/stargate/ssh/command.js';
import { collected } from '../support/programs/processes.js';
import { BIN_DIR } from '../support/root.js';

const [A, B, ZERO] = ['a'.repeat(40), 'b'.repeat(40), '0'.repeat(40)];
const LIMITS = { maxObjects: 10, maxCommands: 100, maxCommandBytes: 10_000, maxBytes: 100_000 };
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return KvError.is(error) ? error.code : String(error);
  }
  return 'none';
};

describe("stargate: a client's push stream", () => {
  const packHeader = (objects: number): Buffer => Buffer.concat([Buffer.from('PACK\0\0\0\x02'), Buffer.from([0, 0, 0, objects])]);
  const feed = (bytes: Uint8Array, step: number): PushStream => {
    const stream = new PushStream(LIMITS);
    for (let at = 0; at < bytes.length; at += step) stream.push(bytes.subarray(at, at + step));
    return stream;
  };

  it('is read in pieces of any size, past shallow lines', () => {
    const list = [`shallow ${A}`, `${A} ${B} refs/heads/main\0 report-status atomic agent=git/2`, `${ZERO} ${B} refs/tags/ü`];
    const bytes = Buffer.concat([...list.map(encodePkt), FLUSH_PKT, packHeader(3), Buffer.from('rest')]);
    for (const step of [1, 3, 7, 4096]) {
      const { announcement } = feed(bytes, step);
      expect(announcement?.atomic).to.equal(true);
      expect(announcement?.commands).to.deep.equal([
        { ref: 'refs/heads/main', old: A, next: B },
        { ref: 'refs/tags/ü', old: null, next: B },
      ]);
    }
  });

  it('wants no pack where there are deletions only, or nothing', () => {
    expect(feed(Buffer.concat([encodePkt(`${A} ${ZERO} refs/heads/x\0 atomicity`), FLUSH_PKT]), 5).announcement?.atomic).to.equal(
      false,
    );
    expect(feed(FLUSH_PKT, 1).announcement?.commands).to.deep.equal([]);
  });

  it('is bounded, and must be a push', () => {
    const command = encodePkt(`${ZERO} ${B} refs/heads/x\0`);
    expect(codeOf(() => feed(Buffer.concat([command, FLUSH_PKT, packHeader(11)]), 9))).to.equal('POLICY_VIOLATION');
    expect(codeOf(() => feed(Buffer.concat([command, FLUSH_PKT, packHeader(10)]), 9))).to.equal('none');
    expect(codeOf(() => feed(Buffer.concat([command, FLUSH_PKT, packHeader(1), Buffer.alloc(100_001)]), 8192))).to.equal(
      'POLICY_VIOLATION',
    );
    expect(codeOf(() => feed(Buffer.concat(Array<Uint8Array>(300).fill(command)), 1000))).to.equal('POLICY_VIOLATION');
    expect(codeOf(() => feed(encodePkt('push-cert\0atomic'), 9))).to.equal('POLICY_VIOLATION');
    const shallow = (lines: number): Uint8Array => Buffer.concat(Array<Uint8Array>(lines).fill(encodePkt(`shallow ${A}`)));
    expect(codeOf(() => feed(shallow(100), 4096))).to.equal('none');
    expect(codeOf(() => feed(shallow(101), 4096))).to.equal('POLICY_VIOLATION');
    for (const bad of [
      'GET / HTTP/1.1',
      '00',
      '0003',
      'fffffff',
      Buffer.from(encodePkt('x y z')).toString(),
      `${command.toString()}00010000`,
    ]) {
      expect(
        codeOf(() => feed(Buffer.from(`${bad}\r\n\r\n`), 64)),
        bad,
      ).to.equal('INPUT_INVALID');
    }
    expect(codeOf(() => feed(Buffer.concat([command, FLUSH_PKT, Buffer.from('no pack here')]), 64))).to.equal('INPUT_INVALID');
  });

  it('names refs in UTF-8 of at most 1000 bytes, and not too many', () => {
    const named = (ref: Buffer | string): Uint8Array =>
      encodePkt(Buffer.concat([Buffer.from(`${ZERO} ${B} `), Buffer.from(ref as string)]));
    const long = (bytes: number): string => `refs/heads/${'ü'.repeat((bytes - 11) / 2)}`;
    expect(codeOf(() => feed(named(`${long(999)}x`), 99))).to.equal('none');
    expect(codeOf(() => feed(named(long(1001)), 99))).to.equal('REF_FORBIDDEN');
    expect(codeOf(() => feed(named(long(9001)), 99))).to.equal('REF_FORBIDDEN');
    expect(codeOf(() => feed(named(Buffer.from('refs/heads/\xff', 'latin1')), 99))).to.equal('REF_FORBIDDEN');
    expect(codeOf(() => feed(named('refs/heads/\ufffd'), 99))).to.equal('none');
    const list = (count: number): Buffer => Buffer.concat(Array<Uint8Array>(count).fill(named('refs/heads/x')));
    expect(codeOf(() => feed(list(100), 4096))).to.equal('none');
    expect(codeOf(() => feed(list(101), 4096))).to.equal('POLICY_VIOLATION');
  });

  it('is reported on in lines that fit', () => {
    const reported = (length: number, reason: string): string => {
      const written: Uint8Array[] = [];
      const output = { write: (bytes: Uint8Array) => void written.push(bytes), end: () => undefined };
      reportProcReceive(output, [{ ref: 'r'.repeat(length), old: null, next: A }], () => ({ refused: reason }));
      const reader = new PktReader();
      reader.push(Buffer.concat(written));
      const pkt = reader.next();
      return pkt?.kind === 'data' ? Buffer.from(pkt.payload).toString('utf8', length + 4) : '';
    };
    expect(reported(20, 'no ü')).to.equal('no ü\n');
    expect(reported(MAX_PAYLOAD - 8, 'no ü')).to.equal('no \n'); // half a letter is none
    expect(reported(MAX_PAYLOAD - 5, 'no ü')).to.equal('\n');
  });

  it('frames pkt-lines', () => {
    expect(Buffer.from(encodePkt('a\n')).toString()).to.equal('0006a\n');
    expect(() => encodePkt('x'.repeat(MAX_PAYLOAD + 1))).to.throw(RangeError);
    const reader = new PktReader();
    reader.push(Buffer.concat([encodePkt('x'.repeat(MAX_PAYLOAD)), Buffer.from('0001000200')]));
    const kinds = [reader.next(), reader.next(), reader.next(), reader.next()].map((pkt) => pkt?.kind);
    expect(kinds).to.deep.equal(['data', 'delim', 'response-end', undefined]);
  });
});

describe('stargate: small parts', () => {
  it('splits what git quotes, and nothing else', () => {
    expect(splitQuoted(`git-upload-pack 'a b'\\''c'\\!'d'`)).to.deep.equal(['git-upload-pack', "a b'c!d"]);
    expect(splitQuoted(`x ''`)).to.deep.equal(['x', '']);
    for (const bad of [
      `x "a"`,
      'x $a',
      'x `a`',
      `x 'a`,
      `x 'a';id`,
      'x  a',
      'x a ',
      ' x',
      `x 'a'b`,
      `x b'a'`,
      'x\\',
      'x a|b',
      'x ~',
    ]) {
      expect(splitQuoted(bad), bad).to.equal(undefined);
    }
  });

  it('knows the repository by its names', () => {
    const answered = (pushUrl: string | null, paths: readonly string[]): boolean[] => {
      const answersTo = repositoryIds('/srv/git/shop.git', pushUrl);
      return paths.map(answersTo);
    };
    const forms = ['shop', '/shop.git', '/org/r.git', 'org/r', '//shop', '/srv/git/shop.git'];
    for (const url of ['ssh://git@h:22/org/r.git', 'ssh+git://h/org/r', 'git@h:org/r.git'])
      expect(answered(url, forms), url).to.deep.equal([true, true, true, true, false, false]);
    for (const url of [null, 'https://h/org/r.git'])
      expect(answered(url, forms), String(url)).to.deep.equal([true, true, false, false, false, false]);
    expect(answered('ssh://h/~ada/r', ['~ada/r.git', '/~ada/r'])).to.deep.equal([true, true]); // git sends it without the slash
    expect(answered('ssh://h/../../etc/passwd', ['/etc/passwd', '../etc/passwd', '/../../etc/passwd'])).to.deep.equal(
      [false, false, false], // no client of git's sends a path without the dots, and with them it names nothing
    );
  });

  it('reads endpoints', () => {
    expect(parseEndpoint('[::1]:0', '--x')).to.deep.equal({ host: '::1', port: 0 });
    expect(showEndpoint(parseEndpoint('[::1]:22', '--x'))).to.equal('[::1]:22');
    for (const bad of ['22', 'h:', 'h:99999', '::1:22', '[h]:1', 'a b:1', ''])
      expect(
        codeOf(() => parseEndpoint(bad, '--x')),
        bad,
      ).to.equal('USAGE');
  });

  it("reads the port of the policy's push_url", () => {
    expect(['ssh://h/r', 'ssh://git@[::1]:2222/r', 'h:r', 'ssh://h:99999/r', 'https://h:1/r'].map(portOfSshUrl)).to.deep.equal([
      22,
      2222,
      undefined, // ssh's own configuration may name another
      undefined,
      undefined,
    ]);
  });

  it('writes log lines that nobody can forge', () => {
    const line = formatLine('info', 0, 'x', {
      ts: 'mine',
      text: 'a\nb\u007f\u0085\u2028{"level":"error"}',
      long: 'y'.repeat(9999),
      none: undefined,
    });
    expect(line).to.match(/^[\x20-\x7e…]*$/);
    expect(JSON.parse(line)).to.include({
      ts: '1970-01-01T00:00:00.000Z',
      level: 'info',
      text: 'a\nb\u007f\u0085\u2028{"level":"error"}',
    });
    expect(line.length).to.be.lessThan(2300);
  });

  it('wants a quarantine for what brings objects', () => {
    const [brings, deletes] = [[{ ref: 'refs/heads/x', old: null, next: A }], [{ ref: 'refs/heads/x', old: A, next: null }]];
    expect(codeOf(() => quarantineOf({ quarantine: '', commands: brings }))).to.equal('GIT_ERROR');
    expect(quarantineOf({ quarantine: '/q', commands: brings })).to.equal('/q');
    expect(quarantineOf({ quarantine: '', commands: deletes })).to.equal(null);
  });

  it('has an exit code for every error', () => {
    expect(Object.keys(EXIT_CODES).sort()).to.deep.equal([...ERROR_CODES].sort());
    expect(Object.values(EXIT_CODES)).to.not.include(0);
  });
});

describe('stargate: undo', () => {
  it('stops the last first, all of them, once', async () => {
    const said: unknown[] = [];
    const warn = (_event: string, fields?: object): void => void said.push(fields);
    const stack = undoStack({ info: () => undefined, error: () => undefined, warn });
    stack.push(() => void said.push('first'));
    stack.push(() => {
      throw new Error('stuck');
    });
    stack.push(async () => void said.push('last'));
    await Promise.all([stack.undo(), stack.undo()]);
    expect(said).to.deep.equal(['last', { message: 'stuck' }, 'first']);
  });
});

describe('git-kv-stargate: a reader that goes', () => {
  it('does not end a verb, nor change what it ends with', async () => {
    const child = spawn(process.execPath, [join(BIN_DIR, 'git-kv-stargate.js'), 'check', '--repo', BIN_DIR]);
    child.stdout.destroy();
    const { code, stderr } = await collected(child);
    expect({ code, stderr }).to.deep.equal({ code: EXIT_CODES.CONFIG_INVALID, stderr: '' });
  });
});

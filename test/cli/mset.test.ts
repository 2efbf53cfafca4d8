import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Place } from '../support/worlds/place.js';

interface BatchError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly exit: number;
    readonly details: { readonly faults: number };
  };
}

describe('git kv mset', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  const mset = (input: string | Uint8Array, ...flags: string[]) => place.kv(['mset', '--file', '-', ...flags], { input });

  it('sets and deletes in one transaction', async () => {
    await place.ok(['set', 'old', 'x']);
    mkdirSync(join(place.repo, 'data'));
    writeFileSync(join(place.repo, 'data', 'face.png'), Buffer.from([255, 0]));
    const lines = [
      { op: 'set', key: 'text', value: 'é' },
      { op: 'set', key: 'bytes', value_b64: 'AP8=', ctype: 'image/x-test' },
      { op: 'set', key: 'file', file: 'face.png', ttl: '30d' },
      { op: 'set', key: 'empty', value: '' },
      { op: 'del', key: 'old' },
    ];
    writeFileSync(join(place.repo, 'data', 'batch.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    const receipt = await place.json<{ set: string[]; del: string[]; bytes: number }>(['mset', '-f', 'data/batch.jsonl']);
    expect(receipt.set).to.have.members(['text', 'bytes', 'file', 'empty']);
    expect(receipt.del).to.deep.equal(['old']);
    expect(receipt.bytes).to.equal(6);
    expect(await place.json(['get', 'bytes'])).to.include({ value_b64: 'AP8=', ctype: 'image/x-test' });
    expect(await place.json(['get', 'file'])).to.include({ value_b64: '/wA=', ctype: 'image/png' });
    expect(place.git('rev-list', '--count', 'refs/kv/main').trim()).to.equal('2');
  });

  it('reads no file above its folder, unless that is allowed; an import of the same lines neither', async () => {
    mkdirSync(join(place.repo, 'foreign'));
    const secret = join(place.home, 'secret');
    writeFileSync(secret, 's3cret');
    symlinkSync(secret, join(place.repo, 'foreign', 'link'));
    const files = ['../../secret', secret, 'link'];
    const lines = files.map((file, i) => `${JSON.stringify({ op: 'set', key: `k${i}`, file })}\n`).join('');
    writeFileSync(join(place.repo, 'foreign', 'batch.jsonl'), lines);
    for (const command of [['mset', '--file'], ['import']]) {
      const { code, stderr } = await place.kv([...command, 'foreign/batch.jsonl']);
      expect(code).to.equal(64);
      for (const line of [1, 2, 3])
        expect(stderr).to.match(new RegExp(`:${line}: has the file .* outside of .*--allow-files-from`));
    }
    const allowed = ['--allow-files-from', 'foreign', '--allow-files-from', place.home];
    expect(await place.ok(['mset', '-f', 'foreign/batch.jsonl', ...allowed])).to.match(/^set 3,/);
    expect(await place.ok(['import', 'foreign/batch.jsonl', ...allowed])).to.match(/ of 3 operations/);
    expect(await place.ok(['get', 'k2'])).to.equal('s3cret');
  });

  it('takes a byte order mark, CRLF and blank lines', async () => {
    const { code } = await mset('\ufeff{"op":"set","key":"a","value":"1"}\r\n\r\n  \n{"op":"set","key":"b","value":"2"}\r\n');
    expect(code).to.equal(0);
    expect(await place.ok(['list'])).to.equal('a\nb\n');
  });

  it('lets the last operation on a key win, with a warning', async () => {
    const { code, stderr } = await mset(
      '{"op":"set","key":"a","value":"1"}\n{"op":"set","key":"a","value":"2"}\n{"op":"del","key":"nope"}\n',
    );
    expect(code).to.equal(0);
    expect(stderr).to.contain('warning: key "a"').and.to.contain('warning: key "nope"');
    expect(await place.ok(['get', 'a'])).to.equal('2');
  });

  const FAULTS: readonly [string, string | Uint8Array, RegExp][] = [
    ['broken JSON', '{"op":"set"', /:2: is not a JSON object/],
    ['an array', '[]', /:2: is not a JSON object/],
    ['no op', '{"key":"a"}', /:2: has no 'op'/],
    ['an unknown op', '{"op":"incr","key":"a"}', /:2: has the unknown op "incr"/],
    ['an op of Object.prototype', '{"op":"toString","key":"a"}', /:2: has the unknown op/],
    ['an unknown field', '{"op":"set","key":"a","vlaue":"x"}', /:2: has "vlaue"/],
    ['a value for del', '{"op":"del","key":"a","value":"x"}', /:2: has "value"/],
    ['no key', '{"op":"set","value":"x"}', /:2: has no 'key'/],
    ['a key that is no string', '{"op":"del","key":7}', /:2: has a 'key' that is no string/],
    ['no value', '{"op":"set","key":"a"}', /:2: sets no value/],
    ['two values', '{"op":"set","key":"a","value":"x","value_b64":""}', /:2: has more than one value/],
    ['a value that is no string', '{"op":"set","key":"a","value":7}', /:2: has a 'value' that is no string/],
    ['bad base64', '{"op":"set","key":"a","value_b64":"A==="}', /:2: has a 'value_b64'/],
    ['base64 with spare bits', '{"op":"set","key":"a","value_b64":"AB=="}', /:2: has a 'value_b64'/],
    ['a bad ctype', '{"op":"set","key":"a","value":"","ctype":"png"}', /:2: has the ctype "png"/],
    ['a ttl in the past', '{"op":"set","key":"a","value":"","ttl":"2020-01-01"}', /:2: ttl "2020-01-01" lies in the past/],
    ['a ttl that is no string', '{"op":"set","key":"a","value":"","ttl":5}', /:2: ttl is no string/],
    ['a missing file', '{"op":"set","key":"a","file":"missing.txt"}', /:2: has the file "missing.txt", .*no such file/],
    ['a folder', '{"op":"set","key":"a","file":"."}', /:2: has the file ".", .*not a regular file/],
    ['a lone surrogate', '{"op":"set","key":"a","value":"\\ud800"}', /:2: has a 'value' with a lone surrogate/],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), /:2: is not valid UTF-8/],
  ];
  for (const [name, line, message] of FAULTS) {
    it(`names the line: ${name}`, async () => {
      const good = (key: string): Buffer => Buffer.from(`{"op":"set","key":"${key}","value":"x"}\n`);
      const { code, stderr } = await mset(Buffer.concat([good('one'), Buffer.from(line), Buffer.from('\n'), good('three')]));
      expect(code).to.equal(64);
      expect(stderr).to.match(message).and.to.contain('1 line of standard input');
      expect((await place.kv(['list'])).code, 'nothing written').to.equal(6);
    });
  }

  it('a batch whose only faults are keys exits with 4', async () => {
    const { code, stderr } = await mset('{"op":"set","key":"","value":"x"}\n{"op":"del","key":"a\\u0001"}\n');
    expect(code).to.equal(4);
    expect(stderr).to.contain(':1:').and.to.contain(':2:');
  });

  it('checks every line, lists ten and counts all', async () => {
    const { stdout, code } = await mset('{}\n'.repeat(25), '--json');
    expect(code).to.equal(64);
    const { error } = JSON.parse(stdout.toString()) as BatchError;
    expect(error.code).to.equal('INPUT_INVALID');
    expect(error.details.faults).to.equal(25);
    expect(error.message).to.contain('25 lines').and.to.contain(':10:').and.to.contain('and 15 more').and.not.to.contain(':11:');
  });

  it('never shows a value', async () => {
    const lines = [
      '{"op":"set","key":"a","value":"s3cret"',
      '{"op":"set","key":"a","value_b64":"s3cret"}',
      '{"op":"set","key":"b","value":"s3cret","file":"x"}',
    ];
    const { stderr } = await mset(lines.join('\n'));
    expect(stderr).to.contain(':3:');
    expect(stderr).not.to.contain('s3cret');
  });

  it('wants --file', async () => {
    expect((await place.kv(['mset'])).code).to.equal(64);
    expect((await place.kv(['mset', '--file', 'missing.jsonl'])).code).to.equal(5);
  });

  it('takes 50,000 lines', async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `{"op":"set","key":"user:${i}:name","value":"name ${i}"}\n`);
    const { code, stdout } = await mset(lines.join(''));
    expect(code).to.equal(0);
    expect(stdout.toString()).to.match(/^set 50,000, deleted 0 · /);
    expect((await place.ok(['list', '--prefix', 'user:4999'])).split('\n')).to.have.length(12);
    expect(await place.ok(['get', 'user:49999:name'])).to.equal('name 49999');
    lines[49_000] = '{"op":"set"}\n';
    expect((await mset(lines.join(''))).stderr).to.contain(':49001:');
  });
});

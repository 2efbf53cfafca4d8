import { expect } from 'chai';
import { keyLines, snapshotOf } from './snapshot-text.js';
import { Place } from '../support/worlds/place.js';

describe('git kv import refuses', () => {
  let place: Place;
  before(() => {
    place = new Place();
  });
  after(() => place.remove());

  const snapshot = (from: Place, ...args: string[]): Promise<string> => from.ok(['snapshot', '--export', '-', ...args]);
  const importText = (into: Place, text: string | Uint8Array, ...args: string[]) =>
    into.kv(['import', '-', ...args], { input: text });

  const ETAG = `blake3:${'0'.repeat(64)}`;
  const line = (key: string, extra: object = {}): string =>
    JSON.stringify({ key, ctype: 'text/plain', etag: ETAG, value: 'x', ...extra });
  const FAULTS: readonly [string, string, RegExp, number][] = [
    ['an unknown version', '{"git-kv":"snapshot","v":2}\n', /has version 2/, 5],
    ['no version', '{"git-kv":"snapshot"}\n', /has version none/, 5],
    ['a header without a namespace', '{"git-kv":"snapshot","v":1}\n', /:1: is no header/, 64],
    ['a value that is not its etag', snapshotOf([line('a')]), /:2: \("a"\) has a value that is not the one its etag names/, 64],
    ['a key twice', snapshotOf(['{"x":1}', '{"x":1}']), /:2: has "x".*\n.*:3: has "x"/, 64],
    ['no etag', snapshotOf([line('a', { etag: undefined })]), /:2: has no 'etag'/, 64],
    ['a bad time', snapshotOf([line('a', { ttl: '2026-01-01' })]), /:2: has a 'ttl' that is no time/, 64],
    ['a bad ctype', snapshotOf([line('a', { ctype: 'png' })]), /:2: has no 'ctype'/, 64],
    ['no value', snapshotOf([line('a', { value: undefined })]), /:2: must have one of/, 64],
    ['two values', snapshotOf([line('a', { value_b64: '' })]), /:2: must have one of/, 64],
    [
      'a file that is not named by its etag',
      snapshotOf([line('a', { value: undefined, file: '../../etc/passwd' })]),
      /not named by its etag/,
      64,
    ],
    [
      'a file that is not there',
      snapshotOf([line('a', { value: undefined, file: ETAG.replace(':', '-') })]),
      /there is no such file/,
      64,
    ],
    ['lines after the end', `${snapshotOf([])}{}\n`, /:3: follows the end/, 64],
    ['a key that is none', snapshotOf([line('')]), /:2: has the invalid key ""/, 4],
    ['something else', 'hello\n', /is nothing that can be imported/, 64],
    ['nothing', '', /is empty/, 64],
    [
      'a batch with a key twice',
      '{"op":"set","key":"a","value":"x"}\n\n{"op":"del","key":"a"}\n',
      /:3: has key "a" again, after line 1/,
      64,
    ],
    ['a batch with a broken line', '{"op":"set","key":"a","value":"x"}\n{"op":"set"}\n', /:2: has no 'key'/, 64],
    [
      'a Consul export with a bad value',
      '[{"key":"a","flags":0,"value":"%"}]',
      /entry 1 \("a"\) has a 'value' that is not base64/,
      64,
    ],
    [
      'a Consul export with a key twice',
      '[{"key":"a","value":""},\n{"key":"a","value":""}]',
      /:2: has key "a" again, after line 1/,
      64,
    ],
    ['a Consul export that was cut off', '[{"key":"a","value":""},', /is no complete JSON document/, 64],
    [
      'an etcd export with a key that is not UTF-8',
      '{"header":{},"kvs":[{"key":"/w=="}]}',
      /entry 1 has a key that is not UTF-8/,
      4,
    ],
    ['an etcd export that was cut off', '{"header":{},"kvs":[{"key":"YQ=="}', /is no complete JSON document/, 64],
  ];
  for (const [name, text, message, exit] of FAULTS) {
    it(`refuses ${name}, and changes nothing`, async () => {
      const before = place.git('for-each-ref');
      const { code, stderr } = await importText(place, text, '--ns', 'faulty');
      expect(stderr).to.match(message);
      expect(code).to.equal(exit);
      expect(place.git('for-each-ref')).to.equal(before);
    });
  }

  it('names both lines of a key that stands twice in a snapshot', async () => {
    const { stderr, code } = await importText(place, snapshotOf(await twice()), '--ns', 'faulty');
    expect(code).to.equal(64);
    expect(stderr).to.match(/:3: has key "twice" again, after line 2/);
  });
  const twice = async (): Promise<string[]> => {
    await place.ok(['--ns', 'twice', 'set', 'twice', 'x']);
    const one = keyLines(await snapshot(place, '--ns', 'twice'))[0] as string;
    return [one, one];
  };
});

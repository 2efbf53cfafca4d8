import { expect } from 'chai';
import { Place } from '../support/worlds/place.js';

describe('git kv: list and history', () => {
  let place: Place;
  const COUNT = 3000;
  before(async () => {
    place = new Place();
    const lines = Array.from(
      { length: COUNT },
      (_, i) => `{"op":"set","key":"n:${String(i).padStart(5, '0')}","value":"${i}"}\n`,
    );
    await place.ok(['mset', '-f', '-'], {
      input: `${lines.join('')}{"op":"set","key":"z:😀","value":"smile","ctype":"text/x-smile"}\n`,
    });
    await place.ok(['set', 'z:gone', 'x']);
    await place.ok(['del', 'z:gone']);
    await place.ok(['set', 'z:again', 'one', '--message', 'first']);
    await place.ok(['set', 'z:again', 'twenty-two', '--message', 'second']);
    await place.ok(['del', 'z:again', '--message', 'third']);
  });
  after(() => place.remove());

  it('lists live keys in order', async () => {
    const keys = (await place.ok(['list'])).trimEnd().split('\n');
    expect(keys).to.have.length(COUNT + 1);
    expect(keys.slice(0, 2)).to.deep.equal(['n:00000', 'n:00001']);
    expect(keys.at(-1)).to.equal('z:😀');
    expect(keys).to.deep.equal([...keys].sort());
  });

  it('pages with --limit and --after', async () => {
    const all = (await place.ok(['list', '--prefix', 'n:'])).trimEnd().split('\n');
    const paged: string[] = [];
    for (;;) {
      const after = paged.at(-1);
      const page = (
        await place.ok(['list', '--prefix', 'n:', '--limit', '1200', ...(after === undefined ? [] : ['--after', after])])
      ).split('\n');
      page.pop();
      paged.push(...page);
      if (page.length < 1200) break;
    }
    expect(paged).to.deep.equal(all);
  });

  it('narrows by prefix; nothing is no error', async () => {
    expect(await place.ok(['list', '--prefix', 'n:0012'])).to.match(/^n:00120\n(?:n:0012\d\n){9}$/);
    expect(await place.ok(['list', '--prefix', 'nobody:'])).to.equal('');
    expect(await place.json(['list', '--prefix', 'nobody:'])).to.deep.include({ ok: true, ns: 'main', keys: [] });
  });

  it('--long shows size, time and type in columns', async () => {
    const lines = (await place.ok(['list', '-l', '--prefix', 'n:0000'])).trimEnd().split('\n');
    expect(lines.shift()).to.match(/^ +size {2}time +expires +type +key$/);
    expect(lines).to.have.length(10);
    for (const line of lines)
      expect(line).to.match(/^ +1 B {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}- +text\/plain; charset=utf-8 {3}n:0000\d$/);
    expect(await place.ok(['list', '-l', '--prefix', 'z:'])).to.match(/ 5 B .* text\/x-smile +z:😀\n$/);
  });

  it('--json is one document', async () => {
    const { keys } = await place.json<{ keys: { key: string; size?: number }[] }>(['list']);
    expect(keys).to.have.length(COUNT + 1);
    const long = await place.json<{ keys: Record<string, unknown>[] }>(['list', '--long', '--prefix', 'z:']);
    expect(long.keys[0]).to.include({ key: 'z:😀', size: 5, ctype: 'text/x-smile', created_by: 'wendy@example.com', ttl: null });
  });

  it('-0 ends keys with NUL', async () => {
    expect(await place.ok(['list', '-0', '--limit', '2'])).to.equal('n:00000\0n:00001\0');
  });

  it('gets many values in one process: as lines, as JSON, and exactly', async () => {
    expect(await place.ok(['get', 'n:00007', 'z:😀'])).to.equal('n:00007\t7\nz:😀\tsmile\n');
    expect(await place.ok(['get', '--prefix', 'n:0000', '-z'])).to.match(/^n:00000\0(?:0)\0n:00001\0(?:1)\0.*n:00009\0(?:9)\0$/);
    const lines = (await place.ok(['get', '--prefix', 'n:', '--json'])).trimEnd().split('\n');
    expect(lines).to.have.length(COUNT);
    expect(JSON.parse(lines[12] as string)).to.include({ ok: true, key: 'n:00012', value: '12', size: 2 });
    const { code, stdout, stderr } = await place.kv(['get', 'n:00001', 'never', 'z:gone', '--json']);
    expect([
      code,
      String(stdout).match(/"ok":false,"ns":"main","key":"(?:never|z:gone)","error":\{"code":"NOT_FOUND"/g)?.length,
    ]).to.deep.equal([6, 2]);
    expect(stderr).to.contain('error: 2 keys of 3 could not be read: "never" (not there), "z:gone" (not there)\nhint: ');
  });

  it('leaves binary values out of lines and names them: what stood there for one could be the value of another', async () => {
    const line = (key: string, value: string) =>
      JSON.stringify({ op: 'set', key, value_b64: Buffer.from(value).toString('base64') });
    await place.ok(['--ns', 'bin', 'mset', '-f', '-'], { input: [line('a', '(binary, 2 B)'), line('b', '\0\0')].join('\n') });
    const left = 'error: 1 key of 2 could not be read: "b" (binary)\nhint: use --json, which gives it as value_b64\n';
    for (const args of [
      ['get', 'a', 'b'],
      ['list', '--values'],
    ]) {
      const { code, stdout, stderr } = await place.kv(['--ns', 'bin', ...args]);
      expect([code, String(stdout), stderr]).to.deep.equal([64, 'a\t(binary, 2 B)\n', left]);
    }
    const exact = await place.kv(['--ns', 'bin', 'get', '--prefix', '', '-z']);
    expect([exact.code, String(exact.stdout)]).to.deep.equal([64, 'a\0(binary, 2 B)\0']);
    const { commit, keys } = await place.json<{ commit: string; keys: object[] }>(['--ns', 'bin', 'get', '--prefix', 'none:']);
    expect([commit.length, keys]).to.deep.equal([40, []]);
  });

  it('lists values', async () => {
    expect(await place.ok(['list', '--values', '--limit', '2', '--prefix', 'n:'])).to.equal('n:00000\t0\nn:00001\t1\n');
    const { keys } = await place.json<{ keys: object[] }>(['list', '--values', '--after', 'n:02999', '--long']);
    expect(keys).to.have.length(1);
    expect(keys[0]).to.include({ key: 'z:😀', value: 'smile', size: 5, ctype: 'text/x-smile' });
  });

  it('ends quietly when its reader goes', async () => {
    for (const flags of ['', '--long', '--json']) {
      const { stdout, stderr } = await place.shell(`set -o pipefail; $KV list ${flags} | head -c 1; echo " rc=$?"`);
      expect(stdout.toString()).to.match(/^. rc=0\n$/s);
      expect(stderr).to.equal('');
    }
  });

  it('history: newest first', async () => {
    const { history } = await place.json<{ history: Record<string, unknown>[] }>(['history', 'z:again']);
    expect(history.map(({ op, size, subject, signed }) => [op, size, subject, signed])).to.deep.equal([
      ['del', null, 'third', true],
      ['set', 10, 'second', true],
      ['set', 3, 'first', true],
    ]);
    const table = (await place.ok(['history', 'z:again', '--limit', '1', '--epochs'])).trimEnd().split('\n');
    expect(table).to.have.length(2);
    expect(table[0]).to.match(/^time +op +size +txn +by +commit +message$/);
    expect(table[1]).to.match(/ Wendy Writer <wendy@example.com> \(claimed\) +[0-9a-f]{10} {2}third$/);
    expect(await place.ok(['history', 'n:00000'])).to.match(/ [0-9a-f]{10}\n$/);
  });

  it('without a remote, a namespace that is not there says how to get one', async () => {
    const { code, stderr } = await place.kv(['--ns', 'other', 'list']);
    expect(code).to.equal(6);
    expect(stderr).to.contain('hint: this clone has no remote: git remote add origin URL && git kv remote setup;');
  });

  it('history and get of a key that never was: 6', async () => {
    for (const verb of ['history', 'get']) {
      const { code, stderr } = await place.kv([verb, 'never']);
      expect(code).to.equal(6);
      expect(stderr).to.contain('"never"').and.to.contain('git kv --ns main list');
    }
  });
});

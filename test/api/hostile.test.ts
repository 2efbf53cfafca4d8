import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'chai';
import { deflateSync } from 'node:zlib';
import { deltaBomb } from '../robustness/hostile/attacks/delta-bomb.js';
import { commitOf, NAMER, packOf, pushOf, treeOf } from '../support/formats/packs.js';
import { temporaryFolder } from '../support/temporary.js';
import { type ListeningApi, listeningApi } from './listening.js';
import { testApi } from './support.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };
const PUSH = { headers: { 'content-type': 'application/x-git-receive-pack-request' } };
const MIB = 1024 * 1024;

/** A pack of one blob of zeros, deflated to a thousandth. */
function zeros(bytes: number): Buffer {
  let rest = Math.floor(bytes / 16);
  const size = [0x30 | (bytes & 15) | (rest > 0 ? 0x80 : 0)];
  for (; rest > 0; rest = Math.floor(rest / 128)) size.push((rest & 127) | (rest > 127 ? 0x80 : 0));
  const pack = Buffer.concat([
    Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1'),
    Buffer.from(size),
    deflateSync(Buffer.alloc(bytes)),
  ]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

describe('api: bad input', function () {
  this.timeout(60_000);

  describe('over HTTP', () => {
    let t: ListeningApi;
    before(async () => {
      t = await listeningApi({ GIT_KV_API_MAX_BODY: '6MiB', GIT_KV_API_MEMORY_MAX_REPOSITORY: '8MiB' });
      await t.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true });
    });
    after(() => t.stop());

    it('of packs leaves nothing, takes no memory, and is said in words', async () => {
      const blob = NAMER.object('blob', Buffer.from('blob'));
      const tree = treeOf([{ mode: '100644', name: 'a', oid: blob.oid }]);
      const commit = commitOf(tree.oid);
      const whole = packOf([commit, tree, blob]);
      const damaged = Uint8Array.from(whole);
      damaged[20] = (damaged[20] ?? 0) ^ 0xff;
      const packs: Record<string, Uint8Array> = {
        'none at all': new Uint8Array(0),
        'that is no pack': Buffer.from('JUNK'.repeat(100)),
        'that ends early': whole.subarray(0, whole.length - 30),
        'that is damaged': damaged,
        'with something behind': packOf([commit, tree], { behind: 'more' }),
        'of another version': packOf([commit, tree], { version: 9 }),
        'that says too few': packOf([commit, tree], { count: 1 }),
        'that says four billion': packOf([commit, tree], { count: 0xffff_ffff }),
        'with a size too small': packOf([{ ...commit, says: 3 }, tree]),
        'with a size too large': packOf([{ ...commit, says: 2 ** 30 }, tree]),
        'with a base that is not there': packOf([commit, tree, { base: 'f'.repeat(40), delta: Buffer.from([1, 1, 1, 65]) }]),
        'with a base before its begin': packOf([{ base: 7, delta: Buffer.from([1, 1, 1, 65]) }, commit, tree]),
        'with a delta that reads outside': packOf([commit, tree, blob, { base: 2, delta: Buffer.from([4, 9, 0x91, 0, 9]) }]),
        'with a delta that ends early': packOf([commit, tree, blob, { base: 2, delta: Buffer.from([4, 9, 5, 65]) }]),
        'that is a bomb': zeros(64 * MIB),
        'with a delta that is a bomb': deltaBomb(),
        'without its tree': packOf([commit, blob]),
        'without its file': packOf([commit, tree]),
      };
      for (const [what, pack] of Object.entries(packs)) {
        const before = process.memoryUsage().rss;
        const request = Buffer.from(pushOf([['refs/heads/main', null, commit.oid]], pack));
        const { status, body } = await t.ask('POST', '/git/r.git/git-receive-pack', request, PUSH);
        expect(status, what).to.equal(200);
        expect(String(body), what).to.match(/unpack (?!ok)|ng refs\/heads\/main /);
        expect(String(body), `${what}: nothing of ours`).to.not.match(/at \/|\.js|inside the server/);
        expect(process.memoryUsage().rss - before, `${what}: bytes more`).to.be.lessThan(60 * MIB);
        expect((await t.ask('GET', '/api/v1/repos/r/branches')).body.branches, what).to.deep.equal([]);
      }
      // Nothing was taken away from the room that there is.
      expect((await t.ask('POST', '/api/v1/repos/r/files', { path: 'large', content: 'x'.repeat(5 * MIB) })).status).to.equal(
        201,
      );
      await t.ask('POST', '/api/v1/repos/r/reset', { mode: 'hard' });
      const good = Buffer.from(pushOf([['refs/heads/main', null, commit.oid]], whole));
      expect(String((await t.ask('POST', '/git/r.git/git-receive-pack', good, PUSH)).body)).to.include('ok refs/heads/main');
    });

    it('of a hundred megabytes is cut off when there has been too much, whether it says how much there is or not', async () => {
      const head = (...lines: string[]): string =>
        [
          'POST /api/v1/repos/r/files HTTP/1.1',
          'Host: x',
          `Authorization: ${t.authorization}`,
          'Content-Type: application/json',
          ...lines,
          '',
          '',
        ].join('\r\n');
      for (const [what, framing] of [
        ['said', `Content-Length: ${100 * MIB}`],
        ['in chunks', 'Transfer-Encoding: chunked'],
      ] as const) {
        const socket = connect(t.port, '127.0.0.1');
        let answer = '';
        socket.on('data', (bytes) => (answer += String(bytes)));
        socket.on('error', () => undefined); // it is cut off while it sends
        socket.write(head(framing));
        const piece = Buffer.alloc(MIB, 'x');
        let sent = 0;
        const closed = new Promise((resolve) => socket.once('close', resolve));
        for (; sent < 100 && !socket.destroyed && answer === ''; sent++) {
          const more =
            what === 'said' ? piece : Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
          if (!socket.write(more)) await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
        }
        if (answer === '' && !socket.destroyed) await Promise.race([once(socket, 'data').catch(() => undefined), closed]);
        expect(answer, what).to.match(/^HTTP\/1\.1 413 /);
        expect(answer).to.include('"code":"BODY_TOO_LARGE"');
        expect(sent, `${what}: MiB that it took`).to.be.lessThan(60);
        socket.destroy();
      }
      expect((await t.ask('GET', '/version')).status).to.equal(200);
    });

    it('of paths that somebody takes for others, and of ids of every odd kind, is refused where it stands', async () => {
      await t.ask('POST', '/api/v1/repos', { id: 'paths', memory_only: true });
      const at = '/api/v1/repos/paths';
      const add = async (path: string) => (await t.ask('POST', `${at}/files`, { path, content: path })).body;
      for (const path of ['Readme', 'caf\u00e9', 'd/e/f']) expect((await add(path)).status, path).to.equal('success');
      for (const path of [
        'README',
        'cafe\u0301',
        'D/x',
        'd/E',
        `${'d/'.repeat(2500)}x`,
        'x'.repeat(5000),
        '.GIT/config',
        'a/../b',
        '\ud800',
      ])
        expect((await add(path)).code, path.slice(0, 20)).to.equal('INVALID_REQUEST');
      expect((await t.ask('GET', `${at}/status`)).body.staged).to.deep.equal(['Readme', 'caf\u00e9', 'd/e/f']);
      await t.ask('POST', `${at}/commits`, { message: 'paths', author: AUTHOR });
      const { body } = await t.ask('GET', '/api/v1/openapi.json');
      const odd = [
        '%00',
        '..%2f..%2fetc%2fpasswd',
        '%2e%2e',
        '%ff',
        '%',
        "'%20OR%201=1",
        '%e2%80%ae',
        '-x',
        '__proto__',
        'constructor',
        'x'.repeat(300),
      ];
      let asked = 0;
      for (const [path, methods] of Object.entries<Record<string, unknown>>(body.paths)) {
        if (!path.includes('{') || /\/(events|watch)$/.test(path) || methods['get'] === undefined) continue;
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        for (const name of names) {
          const url = path
            .replace(`{${name}}`, odd[asked % odd.length] ?? '')
            .replaceAll('{repo}', 'paths')
            .replace(/\{\w+\}/g, 'x');
          const { status, body: problem } = await t.ask('GET', url);
          expect(status, url).to.be.oneOf([400, 401, 404, 414, 501]);
          expect(JSON.stringify(problem), url).to.not.match(/root:|at \/|node_modules|ENOENT/);
          asked += 1;
        }
      }
      expect(asked).to.be.greaterThan(30);
    });
  });

  it('in time: nothing is closed under who uses it, and a transaction that is open when the server ends has never been', async () => {
    const folder = await temporaryFolder();
    const env = { GIT_KV_API_DATA: folder.path, GIT_KV_API_POOL_MAX_REPOS: '1', GIT_KV_API_ANONYMOUS_ROLE: 'developer' };
    let t = await testApi(env);
    const as = { token: null };
    try {
      for (const id of ['one', 'two']) {
        await t.ask('POST', '/api/v1/repos', { id });
        await t.ask('POST', `/api/v1/repos/${id}/files`, { path: 'a', content: id });
        await t.ask('POST', `/api/v1/repos/${id}/commits`, { message: id, author: AUTHOR });
      }
      const { pool } = t.api.context;
      let finish: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (finish = resolve));
      const using = pool.use('one', async (repository) => {
        await held;
        return Buffer.from((await repository.readFile('a')).content).toString();
      });
      while (pool.stats().in_use === 0) await new Promise((resolve) => setImmediate(resolve));
      expect((await t.ask('POST', '/api/v1/pool/cleanup')).body.closed).to.equal(0);
      expect((await t.ask('GET', '/api/v1/repos/two/files/a')).body.code).to.equal('MAX_REPOS_REACHED');
      const removing = t.ask('DELETE', '/api/v1/repos/one');
      finish();
      expect(await using, 'what was begun is done').to.equal('one');
      expect((await removing).status).to.equal(200);
      const { body: tx } = await t.ask('POST', '/api/v1/repos/two/transaction');
      await t.ask('POST', `/api/v1/repos/two/transaction/${tx.id}/add`, { path: 'a', content: 'never' });
      // It is needed while a transaction is open, and not given up for another.
      expect((await t.ask('POST', '/api/v1/pool/cleanup')).body.closed).to.equal(0);
      await t.close();
      t = await testApi(env);
      expect((await t.ask('GET', '/api/v1/repos/two/files/a', undefined, as)).body.content).to.equal('two');
      const after = await t.ask(
        'POST',
        `/api/v1/repos/two/transaction/${tx.id}/commit`,
        { message: 'never', author: AUTHOR },
        as,
      );
      expect(after.body.code).to.equal('TX_NOT_FOUND');
      expect((await t.ask('GET', '/api/v1/repos/two/status', undefined, as)).body.clean).to.equal(true);
    } finally {
      await t.close();
      await folder.remove();
    }
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Commands } from '../../apps/api/commands/commands.js';
import { Checker } from '../../apps/api/checks/checker.js';
import { faultsIn } from '../../apps/api/checks/command-faults.js';
import type { HttpListener } from '../../apps/http/listen.js';
import { readSettings } from '../../apps/api/settings.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { run } from '../support/programs/processes.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { until } from '../support/until.js';
import { type TestApi, testApi } from './support.js';

const REPO = '/api/v1/repos/r';
const COMMANDS = `commands:
  no-tabs:
    run: [sh, -c, 'grep -rnP "\\t" --include=*.txt . && exit 1; exit 0']
  for-ever:
    run: [sh, -c, 'while :; do :; done']
    timeout: 1s
  count:
    run: [sh, -c, 'find . -type f | wc -l; cat size 2>/dev/null; [ ! -f slow ] || sleep 0.6; [ ! -f broken ]']
    timeout: 20s
    memory: 128MiB
  long:
    run: [sleep, '60']
    timeout: 2m
  note:
    run: [sh, -c, 'echo "noted $(cat a)"']
`;

describe('api: checks', function () {
  this.timeout(60_000);
  let folder: Temporary;
  let t: TestApi;
  let listener: HttpListener;
  before(async () => {
    folder = await temporaryFolder();
    const file = join(folder.path, 'api.yaml');
    writeFileSync(file, COMMANDS);
    t = await testApi({ GIT_KV_API_DATA: join(folder.path, 'data'), GIT_KV_API_PORT: '0' }, file);
    listener = await t.api.listen();
  });
  after(async () => {
    await listener.close(0); // which ends commands
    await t.close();
    await folder.remove();
  });
  beforeEach(async () => {
    expect((await t.ask('POST', '/api/v1/repos', { id: 'r' })).status).to.equal(201);
  });
  afterEach(() => t.ask('DELETE', REPO));

  const commit = async (files: Readonly<Record<string, string>>, message = 'm') => {
    for (const [path, content] of Object.entries(files)) await t.ask('POST', `${REPO}/files`, { path, content });
    return t.ask('POST', `${REPO}/commits`, { message });
  };
  const validate = async (files: Readonly<Record<string, string>>, body?: object) => {
    const { id } = (await t.ask('POST', `${REPO}/transaction`, {})).body;
    const all = Object.entries(files).map(([path, content]) => ({ path, content }));
    await t.ask('POST', `${REPO}/transaction/${id}/add`, { files: all });
    const answer = await t.ask('POST', `${REPO}/transaction/${id}/validate`, body);
    await t.ask('POST', `${REPO}/transaction/${id}/rollback`);
    return answer;
  };

  it('tell per file what is wrong: syntax, size, a schema, a command', async () => {
    const schema = {
      type: 'object',
      required: ['port'],
      properties: { port: { type: 'integer', minimum: 1 } },
      additionalProperties: false,
    };
    await commit({ 'schemas/app.json': JSON.stringify(schema), 'config/old.yaml': 'port: 80\n' });
    const set = await t.ask('PUT', `${REPO}/validators`, {
      validators: ['syntax', 'size', 'schema', 'no-tabs'],
      max_file_bytes: 30,
      schemas: [{ files: 'config/*', schema: 'schemas/app.json' }],
    });
    expect(set.body.available).to.have.members(['syntax', 'size', 'schema', 'no-tabs', 'for-ever', 'count', 'long', 'note']);
    const good = await validate({ 'config/new.yaml': 'port: 8080\n', 'a.txt': 'fine\n' });
    expect(good.body).to.deep.equal({ valid: true, faults: [], conflicts: [] });
    const bad = await validate({
      'config/a.json': '{"port": 0, "x": 1}',
      'config/b.yaml': 'port: [\n',
      'notes.txt': 'one\ntwo\tthree\n',
      large: 'x'.repeat(31),
    });
    const faults: { path: string; message: string; line?: number; check: string }[] = bad.body.faults;
    const of = (path: string, check: string) => faults.filter((fault) => fault.path === path && fault.check === check);
    expect(bad.body.valid).to.equal(false);
    expect(
      of('config/a.json', 'schema')
        .map(({ message }) => message)
        .join('\n'),
    ).to.match(/\/port must be >= 1/);
    expect(of('config/b.yaml', 'syntax')).to.have.length(1);
    expect(of('notes.txt', 'no-tabs')[0]).to.include({ line: 2 });
    expect(of('large', 'size')[0]?.message).to.include('31 bytes');
    const schemaAlone = await validate({ 'schemas/app.json': '{"required": ["host"]}' });
    expect(schemaAlone.body.faults, 'what was there is held against the new schema').to.deep.include({
      ...{ path: 'config/old.yaml', check: 'schema', message: '/ must have required properties host' },
    });
  });

  it('are chosen by name, and nothing else of a command comes from a request', async () => {
    expect((await validate({ 'a.json': '{' }, { validators: [] })).body.valid).to.equal(true);
    const unknown = await validate({}, { validators: ['sh'] });
    expect([unknown.status, unknown.body.code]).to.deep.equal([404, 'NOT_FOUND']);
    for (const body of [{ validators: ['count'], run: ['id'] }, { validators: [['sh', '-c', 'id']] }, { command: 'id' }])
      expect((await validate({}, body)).status, JSON.stringify(body)).to.equal(400);
    expect((await t.ask('PUT', `${REPO}/hooks`, { pre_commit: ['id'] })).status).to.equal(404);
    expect((await t.ask('PUT', `${REPO}/hooks`, { post_commit: ['syntax'] })).status).to.equal(404);
  });

  it('are listed with their bounds, and never with what is run', async () => {
    const { body } = await t.ask('GET', '/api/v1/commands');
    expect(body.commands).to.deep.include({ name: 'count', timeout_ms: 20_000, memory_bytes: 128 * 2 ** 20 });
    expect(Object.keys(body.isolation)).to.have.members(['user', 'network', 'processes', 'folders', 'limits']);
    expect(JSON.stringify(body)).to.not.include('find');
  });

  it('end a validator that loops for ever', async () => {
    const { body } = await validate({ a: 'x' }, { validators: ['for-ever'] });
    expect(body.faults).to.deep.equal([{ path: '.', message: "command 'for-ever' has taken too long", check: 'for-ever' }]);
  });

  it('before a commit may refuse it, whatever way it comes, and are kept with the repository', async () => {
    await t.ask('PUT', `${REPO}/hooks`, { pre_commit: ['syntax', 'no-tabs'] });
    expect((await commit({ 'a.txt': 'fine' })).status).to.equal(201);
    const refused = await commit({ 'b.json': '{' });
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'POLICY_VIOLATION']);
    expect(refused.body.details.faults[0]).to.include({ path: 'b.json', check: 'syntax' });
    await t.ask('DELETE', `${REPO}/files/b.json`);
    await t.ask('POST', `${REPO}/parallel-realities`, { branches: ['x'] });
    const apply = (changes: object) => t.ask('POST', `${REPO}/parallel-realities/x/apply`, { changes });
    expect((await apply({ 'c.txt': '\t' })).body.code).to.equal('POLICY_VIOLATION');
    expect((await apply({ 'c.txt': 'c' })).status).to.equal(200);
    await t.ask('DELETE', `${REPO}/parallel-realities/x`);
    await t.ask('POST', '/api/v1/pool/cleanup');
    expect((await t.ask('GET', '/api/v1/pool/stats')).body.open, 'it was closed').to.equal(0);
    expect((await commit({ 'd.json': ']' })).body.code).to.equal('POLICY_VIOLATION');
    await t.ask('DELETE', REPO);
    await t.ask('POST', '/api/v1/repos', { id: 'r' });
    expect((await t.ask('GET', `${REPO}/hooks`)).body.pre_commit, 'of another repository of that name').to.deep.equal([]);
  });

  it('refuse what git pushes, too, and are run after what it has pushed', async () => {
    await t.ask('PUT', `${REPO}/hooks`, { pre_commit: ['syntax'], post_commit: ['note'] });
    const { key } = (await t.ask('POST', '/api/v1/auth/apikeys', { name: 'git', permissions: ['repo:read', 'repo:write'] })).body;
    const work = join(folder.path, 'work');
    const git = (...args: readonly string[]) => run('git', ['-C', work, ...args], { env: isolatedEnv(folder.path, 'Dev') });
    const url = `http://admin:${key}@127.0.0.1:${listener.port}/git/r.git`;
    await run('git', ['init', '-q', '-b', 'main', work], { env: isolatedEnv(folder.path, 'Dev') });
    for (const [content, isTaken] of [
      ['{', false],
      ['{}', true],
    ] as const) {
      writeFileSync(join(work, 'a.json'), content);
      writeFileSync(join(work, 'a'), 'pushed');
      await git('add', '-A');
      await git('commit', '-qm', 'm', ...(isTaken ? ['--amend'] : []));
      const { code, stderr } = await git('push', url, 'main');
      expect(code === 0, stderr).to.equal(isTaken);
      if (!isTaken) expect(stderr).to.include('a pre-commit hook refuses it: a.json');
    }
    const recent = async () => (await t.ask('GET', `${REPO}/hooks`)).body.recent;
    await until('the hook has run', async () => (await recent()).length > 0);
    expect((await recent())[0]).to.include({ command: 'note', exit_code: 0, output: 'noted pushed\n' });
  });

  it('after a commit are run on what it has made, and remembered', async () => {
    await t.ask('PUT', `${REPO}/hooks`, { post_commit: ['note'] });
    const { hash } = (await commit({ a: 'this' })).body;
    const recent = async () => (await t.ask('GET', `${REPO}/hooks`)).body.recent;
    await until('the hook has run', async () => (await recent()).length > 0);
    expect((await recent())[0]).to.include({
      command: 'note',
      commit: hash,
      ref: 'refs/heads/main',
      exit_code: 0,
      output: 'noted this\n',
    });
  });

  it('measure realities side by side, of which the winner is promoted', async () => {
    await commit({ size: 'old' });
    await t.ask('POST', `${REPO}/parallel-realities`, { branches: ['small', 'slow', 'broken'] });
    for (const name of ['small', 'slow', 'broken'])
      await t.ask('POST', `${REPO}/parallel-realities/${name}/apply`, { changes: { size: name, [name]: '' } });
    const { body: one, status } = await t.ask('POST', `${REPO}/parallel-realities/broken/benchmark`, { command: 'count' });
    expect([status, one.exit_code, one.output]).to.deep.equal([200, 1, '2\nbroken']);
    const { body } = await t.ask('POST', `${REPO}/benchmarks`, { command: 'count', runs: 2 });
    const [first, second, third] = body.benchmarks;
    expect([first.reality, second.reality, third.reality, body.winner]).to.deep.equal(['small', 'slow', 'broken', 'small']);
    expect(second.duration_ms).to.be.greaterThan(500);
    expect([first.runs.length, third.runs.length]).to.deep.equal([2, 1]);
    expect((await t.ask('GET', `${REPO}/benchmarks?command=count`)).body.winner).to.equal('small');
    expect((await t.ask('GET', `${REPO}/parallel-realities/slow/benchmark`)).body.count).to.equal(1);
    await t.ask('POST', `${REPO}/parallel-realities/${body.winner}/promote`, {});
    expect((await t.ask('GET', `${REPO}/files/size`)).body.content).to.equal('small');
    expect((await t.ask('GET', `${REPO}/benchmarks`)).body.count, 'it has ended').to.equal(2);
    expect((await t.ask('POST', `${REPO}/benchmarks`, { command: 'rm' })).status).to.equal(404);
  });

  it('end with the client that waits for them, and leave others their turn', async () => {
    await t.ask('POST', `${REPO}/parallel-realities`, { branches: ['x'] });
    const url = `http://127.0.0.1:${listener.port}${REPO}/parallel-realities/x/benchmark`;
    const headers = { authorization: `Bearer ${await t.login('admin', t.password)}`, 'content-type': 'application/json' };
    const { commands: theirs } = t.api.context.automation;
    const leave = new AbortController();
    const asked = fetch(url, { method: 'POST', headers, body: '{"command":"long"}', signal: leave.signal });
    await until('it runs', () => theirs.atWork === 1);
    leave.abort();
    await asked.catch(() => undefined); // it is what was wanted
    await until('it has ended', () => theirs.atWork === 0);
    const named = new Map([['x', { argv: ['x'] as const, limits: {} as never }]]);
    let release = (): void => undefined;
    const wait = new Promise<void>((resolve) => (release = resolve));
    const runner = { run: () => wait.then(() => ({ exitCode: 0 })), close: async () => undefined };
    const commands = new Commands({ named, atATime: 2, open: async () => runner as never }); // as much of one as is asked here
    const state = { files: async () => [], read: async () => null };
    const all = Array.from({ length: 20 }, () => commands.run('x', state, { owner: 'r' }));
    expect((await thrownBy(commands.run('x', state, { owner: 'r' }))).code).to.equal('BUSY');
    const other = commands.run('x', state, { owner: 'other' });
    release();
    await Promise.all([...all, other]);
    expect(await commands.run('x', state, { owner: 'r' })).to.include({ exitCode: 0 });
    await commands.close();
  });

  it('go on after a pattern that would never have ended, and a file that is too much', async () => {
    const checker = new Checker(500);
    const file = (path: string, text: string) => ({ path, content: Buffer.from(text) });
    try {
      const evil = file('s.json', '{"type":"string","pattern":"^(a+)+$"}');
      const question = { kind: 'schema' as const, files: [file('x.json', `"${'a'.repeat(60)}!"`)], schema: evil };
      const answers = await Promise.all([checker.ask(question), checker.ask({ kind: 'syntax', files: [file('y.json', '{')] })]);
      expect(answers[0]).to.deep.equal([{ path: 'x.json', message: 'could not be checked within 0.5 s' }]);
      expect(answers[1]?.[0]?.path).to.equal('y.json');
    } finally {
      await checker.close();
    }
  });

  it('take no more of a file than it has, and say what is no schema', async () => {
    const checker = new Checker();
    const file = (path: string, text: string) => ({ path, content: Buffer.from(text) });
    try {
      const bomb = `a: &a [x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [${`*${'abcdefghij'[i]},`.repeat(9)}]\n`).join('')}`;
      const big = await checker.ask({ kind: 'schema', files: [file('b.yaml', bomb)], schema: file('s.json', 'true') });
      expect(big[0]?.path).to.equal('b.yaml');
      const odd = await checker.ask({
        kind: 'schema',
        files: [file('x.json', '"x"')],
        schema: file('s.json', '{"pattern":"("}'),
      });
      expect(odd[0]?.path).to.equal('s.json');
    } finally {
      await checker.close();
    }
  });

  it('find faults in what a command says, and else tell all of it', async () => {
    const files = async () => [{ path: 'a/b.ts', name: 'b.ts', type: 'file' as const, mode: '100644', oid: '', size: 0 }];
    const found = await faultsIn(
      'lint',
      { exitCode: 2, timedOut: false, output: './a/b.ts:3:7: no semicolon\nother.ts:1: x\n' },
      { files },
    );
    expect(found).to.deep.equal([{ path: 'a/b.ts', message: 'no semicolon', line: 3 }]);
    const [all] = await faultsIn('lint', { exitCode: 2, timedOut: false, output: 'it is wrong\n' }, { files });
    expect(all).to.deep.equal({ path: '.', message: "command 'lint' ended with 2: it is wrong" });
  });

  it('are read from the file, and what is wrong there is named', async () => {
    const bad: readonly (readonly [text: string, said: RegExp])[] = [
      ['commands: [x]', /commands: is no mapping/],
      ['commands: { A: { run: [x] } }', /commands\.A: a name/],
      ['commands: { syntax: { run: [x] } }', /commands\.syntax: .*built in/],
      ['commands: { x: { run: rm -rf } }', /commands\.x\.run: a list/],
      ['commands: { x: { run: [x], time: 1s } }', /commands\.x\.time: unknown key/],
      ['commands: { x: { run: [x], timeout: soon } }', /commands\.x\.timeout: 'soon' is no duration/],
      ['commands: { x: { run: [x], timeout: 2h } }', /an hour at most/],
      ['limits: { commands_at_a_time: 0 }', /commands_at_a_time: at least 1/],
    ];
    const file = join(folder.path, 'bad.yaml');
    for (const [text, said] of bad) {
      writeFileSync(file, text);
      const { code, message } = await thrownBy(readSettings({}, file));
      expect(code, text).to.equal('CONFIG_INVALID');
      expect(message).to.match(said);
    }
  });
});

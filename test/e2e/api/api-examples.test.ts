import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type TestApi, testApi } from '../../api/support.js';
import { run } from '../../support/programs/processes.js';
import { ROOT } from '../../support/root.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';
import { until } from '../../support/until.js';

const EXAMPLES = join(ROOT, 'docs', 'examples', 'api');

describe('the examples of the HTTP API', function () {
  this.timeout(120_000);
  let folder: Temporary;
  let t: TestApi;
  let base: string;
  let key: string;
  let close: () => Promise<void>;
  before(async () => {
    folder = await temporaryFolder();
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
    const { code, stdout } = await run(process.execPath, [tsc, '-p', EXAMPLES, '--outDir', folder.path]);
    expect(code, stdout).to.equal(0);
    t = await testApi({ GIT_KV_API_PORT: '0' }, join(EXAMPLES, 'git-kv-api.yaml'));
    const listener = await t.api.listen();
    base = `http://127.0.0.1:${listener.port}`;
    close = () => listener.close(0);
    key = (await t.ask('POST', '/api/v1/auth/apikeys', { name: 'ci', permissions: ['repo:read', 'repo:write'] })).body.key;
  });
  after(async () => {
    await close?.();
    await t?.close();
    await folder.remove();
  });
  const example = async (name: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(process.execPath, [join(folder.path, `${name}.js`), base, key, ...args]);
    expect(code, stdout + stderr).to.equal(0);
    return stdout;
  };

  it('test infrastructure side by side, and deploy the best', async () => {
    expect(await example('infrastructure')).to.match(
      /^large: \d+ ms\nmedium: \d+ ms\nsmall: \d+ ms\nproduction: large, cpu 8\n$/,
    );
  });

  it('put a version before some, and before all where that goes well', async () => {
    const begin = '90 % to 1.0 of production\n10 % to 2.0 of canary-v2.0\n';
    expect(await example('canary', '0.001')).to.equal(`${begin}Canary deployment successful!\n100 % to 2.0 of production\n`);
    expect(await example('canary', '0.5')).to.equal(
      `${begin}Canary deployment failed, rolled back\n100 % to 1.0 of production\n`,
    );
    expect(
      (await t.ask('GET', '/api/v1/repos/canary-0-5/branches')).body.branches.map(({ name }: { name: string }) => name),
    ).to.deep.equal(['main', 'production']);
  });

  it('react to what is changed', async () => {
    const repo = '/api/v1/repos/infra';
    await t.ask('POST', '/api/v1/repos', { id: 'infra' });
    const commit = async (path: string, message: string, name = 'dev') => {
      await t.ask('POST', `${repo}/files`, { path, content: message });
      await t.ask('POST', `${repo}/commits`, { message, author: { name, email: `${name}@example.com` } });
    };
    await commit('README.md', 'first');
    for (const name of ['production', 'security']) await t.ask('POST', `${repo}/branches`, { name });
    const child = spawn(process.execPath, [join(folder.path, 'events.js'), base, key, 'infra', '3'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      await until('it watches', () => said.split('watching').length === 4);
      await commit('main.tf', 'more machines');
      await until('it has planned', () => said.includes('terraform plan on main: main.tf'), { clue: () => said });
      await commit('k8s/app.yaml', 'more pods');
      await until('it has applied', () => said.includes('kubectl apply of main: k8s/app.yaml'), { clue: () => said });
      await t.ask('POST', `${repo}/checkout`, { branch: 'security' });
      await commit('fix', 'security-patch: a fix', 'security-bot');
      await until('it has merged', () => said.includes('merged security into production'), { clue: () => said });
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
      expect(child.exitCode).to.equal(0);
      expect((await t.ask('GET', `${repo}/files/fix?ref=production`)).status).to.equal(200);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('are all run', () => {
    const programs = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts') && name !== 'client.ts');
    expect(programs).to.have.members(['infrastructure.ts', 'canary.ts', 'events.ts']);
  });

  it('say what a server has refused', async () => {
    const { code, stderr } = await run(process.execPath, [join(folder.path, 'canary.js'), base, 'gka_wrong']);
    expect([code, stderr.includes('UNAUTHORIZED')]).to.deep.equal([1, true]);
  });
});

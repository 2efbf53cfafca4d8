import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ApiProcess, startApi } from '../../support/programs/api-process.js';
import { ROOT } from '../../support/root.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The commands of a document's quick start, each as it stands there. */
function commands(): string[] {
  const text = readFileSync(join(ROOT, 'docs', 'API.md'), 'utf8');
  const quick = /## Quick start\n([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
  const blocks = [...quick.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) => block.split(/^#.*\n/m)).flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
}

/** What a `curl` of the document asks: no more of its grammar than stands there. */
function asked(command: string, base: string): { readonly url: string; readonly init: RequestInit } {
  const url = /http:\/\/localhost:8080(\S+)/.exec(command)?.[1] ?? '';
  const headers = Object.fromEntries([...command.matchAll(/-H "([^:]+): ([^"]+)"/g)].map(([, name, value]) => [name, value]));
  const body = /-d '([^']*)'/.exec(command)?.[1];
  const method = /-X (\w+)/.exec(command)?.[1] ?? 'GET';
  return {
    url: base + url,
    init: { method, headers: headers as Record<string, string>, ...(body === undefined ? {} : { body }) },
  };
}

describe('git-kv-api, as a process', () => {
  it('does what the quick start says, ends when it is told to, and has it all again', async function () {
    this.timeout(60_000);
    const folder = await temporaryFolder();
    const password = join(folder.path, 'password');
    const start = (): Promise<ApiProcess> =>
      startApi({
        ...{ GIT_KV_API_DATA: join(folder.path, 'data'), GIT_KV_API_ADMIN_PASSWORD_FILE: password },
        GIT_KV_API_ANONYMOUS_ROLE: 'developer',
      });
    let running = await start();
    try {
      expect(statSync(password).mode & 0o777).to.equal(0o600);
      const known: Record<string, string> = { '<password>': readFileSync(password, 'utf8').trim() };
      const answers: [number, Record<string, unknown>][] = [];
      for (const command of commands()) {
        const filled = command.replace(/<[a-z-]+>/g, (name) => known[name] ?? name);
        const { url, init } = asked(filled, running.base);
        const response = await fetch(url, init);
        const body = (await response.json()) as Record<string, unknown>;
        answers.push([response.status, body]);
        if (typeof body['token'] === 'string') known['<jwt-token>'] = body['token'];
        if (typeof body['key'] === 'string') known['<api-key>'] = body['key'];
      }
      expect(answers.map(([status]) => status)).to.deep.equal([201, 201, 201, 200, 200, 201, 200, 201, 200, 200, 200]);
      expect([answers[9]?.[1]['valid'], answers[10]?.[1]['status']]).to.deep.equal([true, 'fast-forward']);
      expect(answers[2]?.[1]).to.include({ message: 'Add main.go', author: 'Dev', email: 'dev@example.com' });
      const by = { headers: { 'X-API-Key': known['<api-key>'] ?? '', 'Content-Type': 'application/json' } };
      const ask = async (method: string, path: string, body?: object) =>
        (
          await fetch(running.base + path, { method, ...by, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
        ).json() as Promise<Record<string, unknown>>;
      await ask('POST', '/api/v1/repos', { id: 'kept' });
      // A stream from here on is told of the commit, and does not keep the process from ending.
      const stream = await fetch(`${running.base}/api/v1/repos/kept/events`, by);
      await ask('POST', '/api/v1/repos/kept/files', { path: 'a', content: 'kept' });
      await ask('POST', '/api/v1/repos/kept/commits', { message: 'kept' });
      let told = '';
      const reader = (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
      while (!told.includes('refs/heads/main')) told += (await reader.read()).value ?? '';
      expect(told).to.match(/id: \w+-1\nevent: commit\ndata: \{"ref":"refs\/heads\/main"/);
      expect(await running.end('SIGTERM')).to.deep.equal([0, null]);
      running = await start();
      expect((await ask('GET', '/api/v1/repos/kept/files/a'))['content']).to.equal('kept');
      expect((await ask('GET', '/api/v1/repos/my-repo/files/main.go'))['code']).to.equal('REPO_NOT_FOUND');
      expect(await (await fetch(`${running.base}/metrics`)).text()).to.include('git_kv_api_repositories_total 1');
    } finally {
      running.child.kill('SIGKILL');
      await folder.remove();
    }
  });
});

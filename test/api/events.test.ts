import { expect } from 'chai';
import { type TestApi, testApi } from './support.js';

const REPO = '/api/v1/repos/r';

/** Reads events of a stream until one with a name has come; the names of branches and paths of all. */
async function readUntil(
  stream: Response,
  end: string,
): Promise<{ ref: string; paths: string[]; author: string; message: string }[]> {
  const reader = (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(end)) text += (await reader.read()).value ?? '';
  await reader.cancel();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));
}

describe('api: events, over HTTP', function () {
  this.timeout(30_000);
  let t: TestApi;
  let base: string;
  let by: { readonly headers: Readonly<Record<string, string>> };
  let close: () => Promise<void>;
  before(async () => {
    t = await testApi({ GIT_KV_API_PORT: '0' });
    const listener = await t.api.listen();
    base = `http://127.0.0.1:${listener.port}`;
    close = () => listener.close(0);
    by = { headers: { authorization: `Bearer ${await t.login('admin', t.password)}` } };
    await t.ask('POST', '/api/v1/repos', { id: 'r' });
  });
  after(async () => {
    await close();
    await t.close();
  });
  const commit = async (path: string, name: string) => {
    await t.ask('POST', `${REPO}/files`, { path, content: name });
    await t.ask('POST', `${REPO}/commits`, { message: `Write ${path}`, author: { name, email: `${name}@example.com` } });
  };
  const watch = (query: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${base}${REPO}/watch?${query}`, { headers: { ...by.headers, ...headers } });

  it('are told by branch, path and author, with what they are about', async () => {
    const streams = await Promise.all(
      ['path=*.tf', 'path=k8s/*.yaml', 'author=ADA', 'branch=side', 'path=*.tf&author=grace'].map((query) => watch(query)),
    );
    await commit('a/main.tf', 'ada');
    await commit('k8s/app.yaml', 'grace');
    await commit('k8s/deep/app.yaml', 'ada');
    await t.ask('POST', `${REPO}/branches`, { name: 'side' });
    await t.ask('POST', `${REPO}/checkout`, { branch: 'side' });
    for (const [path, name] of [
      ['end.tf', 'grace'],
      ['k8s/end.yaml', 'ada'],
    ] as const)
      await commit(path, name);
    const ends = ['end.tf', 'end.yaml', 'end.yaml', 'end.yaml', 'end.tf'];
    const told = await Promise.all(streams.map((stream, i) => readUntil(stream, ends[i] ?? '')));
    expect(told.map((events) => events.map(({ paths }) => paths.join()))).to.deep.equal([
      ['a/main.tf', 'end.tf'],
      ['k8s/app.yaml', 'k8s/end.yaml'],
      // The branch was made at a commit of hers, and changes nothing.
      ['a/main.tf', 'k8s/deep/app.yaml', '', 'k8s/end.yaml'],
      ['', 'end.tf', 'k8s/end.yaml'],
      ['end.tf'],
    ]);
    expect(told[0]?.[0]).to.include({ ref: 'refs/heads/main', author: 'ada', message: 'Write a/main.tf' });
    const [, ...missed] = await readUntil(
      await watch('path=*.tf', { 'last-event-id': 'other-1' }).then(async (stream) => {
        await commit('last.tf', 'ada');
        return stream;
      }),
      'last.tf',
    );
    expect(missed.map(({ paths }) => paths.join())).to.deep.equal(['last.tf']);
  });

  it('take no filter that is too long', async () => {
    for (const query of [`path=${'*'.repeat(1001)}`, `author=${'a'.repeat(301)}`, 'who=ada'])
      expect((await watch(query)).status, query.slice(0, 20)).to.equal(400);
  });
});

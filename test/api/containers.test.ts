import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { imagesOf, isDefinition } from '../../apps/api/containers/definitions.js';
import type { Build } from '../../apps/api/containers/build.js';
import { KeptLogs } from '../../apps/api/containers/build-log.js';
import { Builds, type BuildParts } from '../../apps/api/containers/builds.js';
import { KeptJson } from '../../apps/api/pool/kept-json.js';
import { KvError } from '../../ports/error.js';
import type { ContainerBuilder } from '../../ports/sandbox/container-builder.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { needs } from '../support/needs/needs.js';
import { temporaryFolder } from '../support/temporary.js';
import { until } from '../support/until.js';
import { type TestApi, testApi } from './support.js';

const REPO = '/api/v1/repos/r';
const CONTAINERS = `${REPO}/containers`;

describe('api: container definitions', () => {
  let t: TestApi;
  before(async () => {
    t = await testApi();
    await t.ask('POST', '/api/v1/repos', { id: 'r' });
  });
  after(() => t.close());

  it('are files of the repository, and each change is a commit', async () => {
    expect((await t.ask('GET', `${CONTAINERS}/definitions`)).body).to.deep.equal({ definitions: [], count: 0 });
    const content = 'FROM scratch AS base\nFROM --platform=linux/amd64 busybox:1\nCOPY . /\n';
    const made = await t.ask('POST', `${CONTAINERS}/definitions`, {
      path: 'web/Dockerfile',
      content,
      author: 'Ada',
      email: 'ada@example.com',
    });
    expect([made.status, made.body.commit.message, made.body.commit.author]).to.deep.equal([201, 'Add web/Dockerfile', 'Ada']);
    const again = await t.ask('POST', `${CONTAINERS}/definitions`, { path: 'web/Dockerfile', content });
    expect([again.status, again.body.code]).to.deep.equal([409, 'CONFLICT']);
    const shown = await t.ask('GET', `${CONTAINERS}/definitions/web/Dockerfile`);
    expect(shown.body).to.deep.include({ path: 'web/Dockerfile', content, from: ['scratch', 'busybox:1'] });
    const stale = { headers: { 'if-match': `"${'0'.repeat(40)}"` } };
    expect(
      (await t.ask('PUT', `${CONTAINERS}/definitions/web/Dockerfile`, { content: 'FROM scratch\n' }, stale)).status,
    ).to.equal(412);
    const fresh = { headers: { 'if-match': String(shown.headers['etag']) } };
    expect(
      (await t.ask('PUT', `${CONTAINERS}/definitions/web/Dockerfile`, { content: 'FROM scratch\n' }, fresh)).status,
    ).to.equal(200);
    expect((await t.ask('GET', `${REPO}/files/web/Dockerfile?ref=HEAD`)).body.content).to.equal('FROM scratch\n');
    expect((await t.ask('GET', `${CONTAINERS}/definitions`)).body.definitions[0]).to.include({
      path: 'web/Dockerfile',
      size: 13,
    });
    expect((await t.ask('DELETE', `${CONTAINERS}/definitions/web/Dockerfile`)).status).to.equal(200);
    expect((await t.ask('DELETE', `${CONTAINERS}/definitions/web/Dockerfile`)).status).to.equal(404);
    expect((await t.ask('PUT', `${CONTAINERS}/definitions/Dockerfile`, { content: 'x' })).status).to.equal(404);
    expect((await t.ask('GET', `${REPO}/log`)).body.total).to.equal(3);
  });

  it('are called so', async () => {
    for (const path of ['Dockerfile', 'a/Containerfile', 'Dockerfile.web', 'x/web.dockerfile'])
      expect(isDefinition(path), path).to.equal(true);
    for (const path of ['main.go', 'Dockerfile/x', 'MyDockerfile', '']) expect(isDefinition(path), path).to.equal(false);
    expect((await t.ask('POST', `${CONTAINERS}/definitions`, { path: 'main.go', content: 'x' })).body.code).to.equal(
      'INVALID_REQUEST',
    );
    expect((await t.ask('POST', `${CONTAINERS}/definitions`, { path: '../Dockerfile', content: 'x' })).body.code).to.equal(
      'INVALID_REQUEST',
    );
    expect(imagesOf('# FROM no\n  from a\nFROM b AS c\nRUN echo FROM d\n')).to.deep.equal(['a', 'b']);
  });
});

describe('api: container builds', function () {
  this.timeout(120_000);

  it('build an image of what is committed, tell what they say, and are there after a restart', async function () {
    needs(this, 'buildah');
    const folder = await temporaryFolder();
    const env = { GIT_KV_API_DATA: folder.path };
    let t = await testApi(env);
    try {
      await t.ask('POST', '/api/v1/repos', { id: 'r' });
      await t.ask('POST', `${REPO}/files`, { path: 'web/hello', content: 'hello' });
      const content = 'FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY hello /hello\n';
      await t.ask('POST', `${REPO}/commits`, { message: 'hello' });
      await t.ask('POST', `${CONTAINERS}/definitions`, { path: 'web/Dockerfile', content });
      const body = { context: 'web', tag: 'app:1', args: { WHO: 'me; id' } };
      const started = await t.ask('POST', `${CONTAINERS}/build`, body);
      expect([started.status, started.body.definition, started.body.tag]).to.deep.equal([201, 'web/Dockerfile', 'r/app:1']);
      const build = async () => (await t.ask('GET', `${CONTAINERS}/builds/${started.body.id}`)).body;
      const log = await t.ask('GET', `${CONTAINERS}/builds/${started.body.id}/logs?follow=true`);
      expect(log.body).to.include('COPY hello /hello');
      await until('it has ended', async () => (await build()).finished_at !== null);
      expect((await build()).error).to.equal(null);
      expect((await build()).image.id).to.match(/^sha256:/);
      await t.ask('POST', `${CONTAINERS}/definitions`, { path: 'Dockerfile', content: 'FROM scratch\nCOPY none /\n' });
      expect((await t.ask('POST', `${CONTAINERS}/build`, {})).body.error).to.include('several definitions');
      const bad = (await t.ask('POST', `${CONTAINERS}/build`, { definition: 'Dockerfile' })).body;
      const failed = async () => (await t.ask('GET', `${CONTAINERS}/builds/${bad.id}`)).body;
      await until('the other has failed', async () => (await failed()).status === 'failed');
      expect((await failed()).error).to.match(/none/);
      await t.close();
      t = await testApi({ ...env, GIT_KV_API_ANONYMOUS_ROLE: 'developer' });
      const { body: listed } = await t.ask('GET', `${CONTAINERS}/builds`);
      expect(listed.builds.map(({ status }: { status: string }) => status)).to.deep.equal(['failed', 'succeeded']);
      expect(existsSync(join(folder.path, 'images'))).to.equal(true);
    } finally {
      await t.close();
      await folder.remove();
    }
  });

  it('are refused where nothing builds, with what to install', async () => {
    const t = await testApi({ GIT_KV_API_CONTAINERS_PROGRAM: 'no-such-buildah' });
    try {
      await t.ask('POST', '/api/v1/repos', { id: 'r' });
      await t.ask('POST', `${CONTAINERS}/definitions`, { path: 'Dockerfile', content: 'FROM scratch\n' });
      const { status, body } = await t.ask('POST', `${CONTAINERS}/build`, {});
      expect([status, body.code]).to.deep.equal([501, 'NOT_SUPPORTED']);
      expect(body.error).to.match(/apt-get install buildah/);
      for (const wrong of [
        { tag: '--help' },
        { tag: 'a b' },
        { args: { 'A=B': 'x' } },
        { definition: '../x' },
        { context: 'other' },
        { ref: 'none' },
      ])
        expect((await t.ask('POST', `${CONTAINERS}/build`, wrong)).status, JSON.stringify(wrong)).to.be.oneOf([400, 404]);
      expect((await t.ask('GET', '/api/v1/repos/none/containers/builds')).status).to.equal(404);
    } finally {
      await t.close();
    }
  });

  describe('in line', () => {
    const begun: string[] = [];
    const scopes: string[] = [];
    const ends = new Map<string, (error?: Error) => void>();
    const removed: string[] = [];
    const builder: ContainerBuilder = {
      capabilities: { available: true, missing: null, network: false },
      build: ({ scope, definition, signal, log }) =>
        new Promise((resolve, reject) => {
          begun.push(definition);
          scopes.push(scope);
          log(`builds ${definition}\n`);
          signal.addEventListener('abort', () => reject(new KvError('INTERRUPTED', 'ended')));
          ends.set(definition, (error) =>
            error === undefined ? resolve({ id: `image of ${definition}`, size: 1 }) : reject(error),
          );
        }),
      has: async () => true,
      remove: async () => undefined,
      forget: async (scope) => void removed.push(scope),
      close: async () => undefined,
    };
    const parts: BuildParts = {
      builder: async () => builder,
      use: (_id, work) => work({} as Parameters<typeof work>[0]), // no file is asked for: this builder reads none
      ...{ now: () => 1, time: 1000, memory: 1, kept: null, isKept: () => false },
    };
    beforeEach(() => {
      for (const list of [begun, scopes, removed]) list.length = 0;
      ends.clear();
    });
    const request = (definition: string) => ({ definition, context: '', ref: 'HEAD', commit: 'c', tag: null, args: {} });

    it('are known after a restart with what they said, and as interrupted where the server ended before them', async () => {
      const folder = await temporaryFolder();
      const kept = () => ({
        builds: new KeptJson<readonly Build[]>(join(folder.path, 'builds.json')),
        logs: new KeptLogs(join(folder.path, 'builds'), (error) => expect.fail(error.message)),
      });
      const own: BuildParts = { ...parts, kept: kept(), isKept: (id) => id === 'r' };
      try {
        const builds = new Builds(own);
        const [done, broken, waiting] = await Promise.all(['k1', 'k2', 'k3'].map((name) => builds.start('r', request(name))));
        await until('the first has begun', () => begun.includes('k1'));
        ends.get('k1')?.();
        await until('the second has begun', () => begun.includes('k2'));
        const gone = await builds.start('memory', request('k4'));
        // The first server is never closed, as after kill -9: what the next one knows is on the disk.
        const read = () => readFileSync(join(folder.path, 'builds.json'), 'utf8');
        await until('the end of the first is on the disk', () => read().includes('image of k1'));
        const next = new Builds({ ...own, kept: kept() });
        await next.load();
        expect(next.list('r').map(({ id, state }) => [id, state])).to.deep.equal([
          [waiting?.id, 'interrupted'],
          [broken?.id, 'interrupted'],
          [done?.id, 'succeeded'],
        ]);
        expect(next.get('r', broken?.id ?? '').error).to.match(/the server ended/);
        expect(await next.said(done?.id ?? '')).to.equal('builds k1\n');
        await until('what was said before the end is there', async () => (await next.said(broken?.id ?? '')) === 'builds k2\n');
        // A repository that lived in memory is gone, with its builds and its images.
        expect([next.list('memory'), gone.isKept]).to.deep.equal([[], false]);
        await next.close();
        expect(removed).to.have.length(1);
        expect(read()).to.not.include(gone.id);
        await next.forget('r');
        expect(await next.said(done?.id ?? '')).to.equal('');
        ends.get('k2')?.();
        await until('the fourth has begun', () => begun.includes('k4') || begun.includes('k3'));
        await builds.close();
      } finally {
        await folder.remove();
      }
    });

    it('are one after another, can be cancelled, and go with their repository', async () => {
      const builds = new Builds(parts);
      const [one, two, three] = await Promise.all(['1', '2', '3'].map((name) => builds.start('r', request(name))));
      await until('the first has begun', () => begun.includes('1'));
      expect([one?.state, two?.state, begun]).to.deep.equal(['running', 'queued', ['1']]);
      let told = '';
      builds.log(one?.id ?? '')?.listen((text) => (told += text ?? 'END'));
      builds.cancel('r', two?.id ?? '');
      expect(two?.state).to.equal('cancelled');
      expect((await thrownBy((async () => builds.cancel('r', two?.id ?? ''))())).code).to.equal('CAS_CONFLICT');
      ends.get('1')?.();
      await until('the third has begun', () => begun.includes('3'));
      expect([one?.state, one?.image?.id, told, begun]).to.deep.equal(['succeeded', 'image of 1', 'END', ['1', '3']]);
      builds.cancel('r', three?.id ?? '');
      await until('the third has ended', () => three?.state === 'cancelled');
      expect((await thrownBy((async () => builds.get('other', one?.id ?? ''))())).code).to.equal('NOT_FOUND');
      await builds.forget('r');
      expect([builds.list('r'), removed.length]).to.deep.equal([[], 1]);
      const last = await builds.start('R', request('4'));
      await until('the last has begun', () => begun.includes('4'));
      await builds.close();
      expect(last.state).to.equal('interrupted');
      // Two repositories may differ in the case of their names alone, and so may folders not.
      expect(new Set(scopes).size).to.equal(2);
      for (const scope of scopes) expect(scope).to.match(/^[a-z0-9-]{1,64}$/);
    });
  });
});

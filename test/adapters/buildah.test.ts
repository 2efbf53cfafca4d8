import { expect } from 'chai';
import { buildContext } from '../../adapters/command-sandbox/buildah/context.js';
import { open } from '../../adapters/command-sandbox/open-buildah.js';
import type { AdapterContext } from '../../ports/index.js';
import { containerBuilderContract } from '../contracts/container-builder.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { all } from '../support/all.js';
import { needs } from '../support/needs/needs.js';

const nothing = {} as AdapterContext; // it takes nothing of a profile

describe('buildah', () => {
  before(function () {
    needs(this, 'buildah');
  });
  containerBuilderContract('buildah', () => open({ hide: [], network: false, program: 'buildah' }, nothing));
});

describe('the context of a build', () => {
  it('has no link where buildah reads outside of the build', async () => {
    const file = (path: string, mode: string) => ({ path, mode, content: Buffer.from('/etc/passwd') });
    const context = [file('Containerfile', '100644'), file('free', '120000')];
    expect(await all(buildContext(context, 'Containerfile'))).to.deep.equal(context);
    for (const path of ['Containerfile', '.dockerignore', 'a/.containerignore']) {
      const linked = [...context.filter((each) => each.path !== path), file(path, '120000')];
      const { code, message } = await thrownBy(all(buildContext(linked, 'Containerfile')));
      expect([code, message]).to.deep.equal(['INPUT_INVALID', `'${path}' is a link, and no file`]);
    }
  });
});

describe('buildah that is not there', () => {
  it('is said to be what is missing', async () => {
    const builder = await open({ hide: [], network: false, program: 'no-such-buildah' }, nothing);
    try {
      expect(builder.capabilities.available).to.equal(false);
      const { signal } = new AbortController();
      const none = {
        files: [],
        scope: 'a',
        definition: 'Dockerfile',
        tag: null,
        args: {},
        time: 1000,
        memory: 2 ** 30,
        log: () => undefined,
        signal,
      };
      const { code, hint } = await thrownBy(builder.build(none));
      expect(code).to.equal('NOT_SUPPORTED');
      expect(hint).to.match(/install buildah/);
      await builder.remove('a', `sha256:${'0'.repeat(64)}`);
    } finally {
      await builder.close();
    }
  });
});

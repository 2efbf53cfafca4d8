import { expect } from 'chai';
import { open } from '../../adapters/command-sandbox/open-buildah.js';
import type { AdapterContext } from '../../ports/index.js';
import { containerBuilderContract } from '../contracts/container-builder.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { needs } from '../support/needs.js';

const context = {} as AdapterContext; // it takes nothing of a profile

describe('buildah', () => {
  before(function () {
    needs(this, 'buildah');
  });
  containerBuilderContract('buildah', () => open({ hide: [], network: false, program: 'buildah' }, context));
});

describe('buildah that is not there', () => {
  it('is said to be what is missing', async () => {
    const builder = await open({ hide: [], network: false, program: 'no-such-buildah' }, context);
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

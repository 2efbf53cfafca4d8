import { expect } from 'chai';
import type { CommandFile, ContainerBuilder, ContainerBuildRequest } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

const file = (path: string, content: string, mode = '100644'): CommandFile => ({ path, mode, content: Buffer.from(content) });

/** What every container builder does, where it can build. */
export function containerBuilderContract(name: string, factory: () => Promise<ContainerBuilder>): void {
  describe(`container-builder contract: ${name}`, function () {
    this.timeout(120_000);
    let builder: ContainerBuilder;
    before(async () => {
      builder = await factory();
    });
    after(() => builder.close());
    const request = (definition: string, more: Partial<ContainerBuildRequest> = {}): ContainerBuildRequest => ({
      files: [file('Containerfile', definition), file('data/hello', 'hello\n')],
      definition: 'Containerfile',
      scope: 'a',
      ...{ tag: null, args: {}, time: 100_000, memory: 2 ** 31, log: () => undefined, signal: new AbortController().signal },
      ...more,
    });
    const SCRATCH = 'FROM scratch\nARG WHAT=nothing\nLABEL what=$WHAT\nCOPY data/hello /hello\n';

    it('builds an image, tells how, and keeps it until it is removed', async () => {
      let log = '';
      const image = await builder.build(
        request(SCRATCH, { tag: 'trial:1', args: { WHAT: 'a trial' }, log: (text) => (log += text) }),
      );
      expect(image.id).to.match(/^sha256:[0-9a-f]{64}$/);
      expect(image.size).to.be.greaterThan(6);
      expect(log).to.include('COPY data/hello /hello');
      expect(await builder.has('a', image.id)).to.equal(true);
      await builder.remove('a', image.id);
      expect(await builder.has('a', image.id)).to.equal(false);
      await builder.remove('a', image.id);
    });

    it('shows a build the images of its own scope, and of no other', async () => {
      const { id } = await builder.build(request(SCRATCH, { tag: 'base:1' }));
      const on = { files: [file('Containerfile', 'FROM localhost/base:1\nLABEL more=1\n')] };
      expect((await builder.build(request('', on))).id).to.not.equal(id);
      expect((await thrownBy(builder.build(request('', { ...on, scope: 'b' })))).code).to.equal('INPUT_INVALID');
      expect(await builder.has('b', id)).to.equal(false);
      await builder.forget('a');
      expect(await builder.has('a', id)).to.equal(false);
      expect((await thrownBy(builder.build(request('', { scope: '../a' })))).code).to.equal('INPUT_INVALID');
    });

    it('refuses what does not build', async () => {
      const bad = ['FROM scratch\nCOPY none /none\n', 'NO SUCH WORD\n', 'FROM scratch\nCOPY ../../../etc/passwd /p\n'];
      for (const definition of bad)
        expect((await thrownBy(builder.build(request(definition)))).code, definition).to.equal('INPUT_INVALID');
      for (const path of ['Containerfile', 'data/.dockerignore']) {
        const files = [file('Containerfile', SCRATCH), file('data/hello', '')].filter((each) => each.path !== path);
        const linked = [...files, file(path, '/etc/passwd', '120000')];
        expect((await thrownBy(builder.build(request('', { files: linked })))).code, path).to.equal('INPUT_INVALID');
      }
      expect((await thrownBy(builder.build(request('', { files: [] })))).code).to.equal('INPUT_INVALID');
    });

    it('reaches no network where it says that it does not', async () => {
      if (builder.capabilities.network) return;
      for (const from of [
        'FROM registry.invalid/app:1\n',
        'FROM scratch\nADD http://127.0.0.1:9/x /x\n',
        'FROM oci-archive:/etc/hostname\n',
      ])
        expect((await thrownBy(builder.build(request(from)))).code, from).to.equal('INPUT_INVALID');
    });

    it('ends a build when its time is over, or its signal fires', async () => {
      expect((await thrownBy(builder.build(request(SCRATCH, { time: 1 })))).code).to.equal('EXPIRED');
      const stop = new AbortController();
      const building = builder.build(request(SCRATCH, { signal: stop.signal, log: () => stop.abort() }));
      expect((await thrownBy(building)).code).to.equal('INTERRUPTED');
    });
  });
}

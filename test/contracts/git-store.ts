import { expect } from 'chai';
import type { GitStore, GitStoreCapabilities, NewObject } from '../../ports/git/git-store.js';
import { OID_HEX_LENGTH } from '../../ports/vocabulary.js';
import type { ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { all, chain, rejects } from './git-store-parts/bench.js';
import type { Bench } from './git-store-parts/bench.js';
import { historyContract } from './git-store-parts/history.js';
import { landingContract } from './git-store-parts/landing.js';
import { objectsContract } from './git-store-parts/objects.js';
import { pathsContract } from './git-store-parts/paths.js';
import { quarantineContract } from './git-store-parts/quarantine.js';
import { refsContract } from './git-store-parts/refs.js';

/** A store on an empty repository, and what only its maker can do with it. */
export interface OpenedStore {
  readonly store: GitStore;
  /** Makes the quarantine of a push that git's receive-pack has filled with these; its path. For stores that are given such. */
  fillQuarantine?(objects: readonly NewObject[]): Promise<string>;
  /** Removes what the factory made. The suite closes the store itself. */
  cleanup?(): Promise<void>;
}

/** Gives a store on an empty repository of the format. */
export type GitStoreFactory = (format: ObjectFormat) => Promise<OpenedStore>;

const FORMATS: readonly ObjectFormat[] = ['sha1', 'sha256'];

/** Every promise of the `git-store` port. What the capabilities leave out must be refused with `NOT_SUPPORTED`. */
export function gitStoreContract(name: string, capabilities: GitStoreCapabilities, factory: GitStoreFactory): void {
  for (const format of FORMATS) {
    describe(`git-store contract: ${name}, ${format}`, () => {
      if (capabilities.objectFormats.includes(format)) contract(format, capabilities, factory);
      else it('refuses this object format', () => rejects(factory(format), 'NOT_SUPPORTED'));
    });
  }
}

function contract(format: ObjectFormat, capabilities: GitStoreCapabilities, factory: GitStoreFactory): void {
  let opened: OpenedStore;
  let store: GitStore;
  const bench: Bench = { format, capabilities, unknown: 'f'.repeat(OID_HEX_LENGTH[format]), store: () => store };

  beforeEach(async () => {
    opened = await factory(format);
    store = opened.store;
  });
  afterEach(async () => {
    await store.close();
    await opened.cleanup?.();
  });

  it('says what it is', () => {
    expect(store.objectFormat).to.equal(format);
    expect(store.capabilities).to.deep.equal(capabilities);
  });

  objectsContract(bench);
  pathsContract(bench);
  refsContract(bench);
  historyContract(bench);
  landingContract(bench);
  quarantineContract(bench, (objects) => {
    if (opened.fillQuarantine === undefined) throw new Error('the factory fills no quarantine');
    return opened.fillQuarantine(objects);
  });

  it('tells what it has at hand as it would tell it otherwise', async () => {
    const [tip] = (await chain(bench, [{ a: '1' }])) as [Oid];
    await store.updateRefs([{ ref: 'refs/heads/main', old: null, next: tip }], 'test');
    const { atHand } = store;
    if (atHand === undefined) return;
    expect(atHand.tip('refs/heads/main')).to.equal(tip);
    expect(atHand.tip('refs/heads/none')).to.equal(null);
    expect(atHand.head()).to.equal(await store.head?.());
    expect(atHand.object(tip)).to.deep.equal((await store.read([tip]))[0]);
    expect(atHand.object(bench.unknown)).to.equal(null);
    await store.close();
    for (const look of [() => atHand.tip('refs/heads/main'), () => atHand.head(), () => atHand.object(tip)])
      expect(look).to.throw().with.property('code', 'UNEXPECTED');
  });

  it('refuses every call once it is closed, and closes twice', async () => {
    const [tip] = (await chain(bench, [{ a: '1' }])) as [Oid];
    await store.read([tip]);
    await store.close();
    await store.close();
    const calls = [
      store.read([tip]),
      store.headers([tip]),
      store.readPaths(tip, ['a']),
      store.write([]),
      store.refs(['refs/']),
      store.updateRefs([], 'late'),
      store.openQuarantine(null),
      store.isAncestor(tip, tip),
      all(store.history({ tip })),
    ];
    for (const call of calls) await rejects(call, 'UNEXPECTED');
  });
}

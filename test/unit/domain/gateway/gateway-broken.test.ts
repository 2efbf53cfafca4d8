import { expect } from 'chai';
import { KvError } from '../../../../ports/error.js';
import type { Journal } from '../../../../ports/stargate/journal.js';
import type { RefUpdate } from '../../../../ports/vocabulary.js';
import { refusal } from '../../../support/failure.js';

import { GatewayRig } from './gateway-rig.js';

describe('a gateway in which a commit has broken', () => {
  /** A gateway whose next move of refs ends so. */
  async function broken(how: 'half' | 'nothing' | 'unnoted') {
    const rig = await GatewayRig.open();
    const { updateRefs } = rig.store;
    const { append } = rig.journal;
    let moved = false;
    const restore = (): void => {
      Object.assign(rig.store, { updateRefs });
      Object.assign(rig.journal, { append });
    };
    if (how === 'unnoted')
      Object.assign(rig.journal, {
        append: async (...args: Parameters<Journal['append']>) => {
          if (args[0].kind === 'done') throw new KvError('STORAGE_FULL', 'no room');
          return append.apply(rig.journal, args);
        },
      });
    else
      Object.assign(rig.store, {
        updateRefs: async (updates: readonly RefUpdate[], ...more: [string]) => {
          if (how === 'half' && !moved) await updateRefs.apply(rig.store, [updates.slice(0, 1), ...more]);
          moved = true;
          throw new KvError('IO_ERROR', 'the disk');
        },
      });
    return { rig, restore };
  }
  const kinds = (rig: GatewayRig): string[] => rig.place.lines.map((line) => (JSON.parse(line) as { kind: string }).kind);

  it('brings refs and journal to one state before it takes more', async () => {
    const { rig, restore } = await broken('half');
    const two = rig.request([rig.begin('a'), rig.begin('b')]);
    const accepted = await rig.gateway.validate(two, rig.store);
    expect((await refusal(rig.gateway.commit(accepted))).code).to.equal('IO_ERROR');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([['refs/heads/a'], ['intent']]);
    restore();
    await rig.push('c');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([
      ['refs/heads/a', 'refs/heads/b', 'refs/heads/c'],
      ['intent', 'done', 'intent', 'done'],
    ]);
    expect(
      rig.unmirrored.map(({ updates }) => updates),
      'once',
    ).to.deep.equal([two.commands]);
    await rig.push('d');
    expect(rig.unmirrored).to.have.length(1);
  });

  it('does so before the first push that comes, though that one is refused', async () => {
    const { rig, restore } = await broken('half');
    const accepted = await rig.gateway.validate(rig.request([rig.begin('a'), rig.begin('b')]), rig.store);
    await refusal(rig.gateway.commit(accepted));
    restore();
    expect((await refusal(rig.validate('a'))).code).to.equal('CAS_CONFLICT');
    expect(await rig.heads()).to.deep.equal(['refs/heads/a', 'refs/heads/b']);
  });

  it("does so only with the lease: else the journal is another leader's", async () => {
    const { rig, restore } = await broken('half');
    const accepted = await rig.gateway.validate(rig.request([rig.begin('a'), rig.begin('b')]), rig.store);
    await refusal(rig.gateway.commit(accepted));
    restore();
    rig.lock.depose();
    expect((await refusal(rig.gateway.moveOwn(async () => []))).code).to.equal('NOT_LEADER');
    expect(kinds(rig)).to.deep.equal(['intent']);
  });

  it('has nothing to mend where no ref has moved', async () => {
    const { rig, restore } = await broken('nothing');
    expect((await refusal(rig.push('a'))).code).to.equal('IO_ERROR');
    expect(kinds(rig)).to.deep.equal(['intent', 'aborted']);
    restore();
    rig.lock.depose();
    await rig.gateway.moveOwn(async () => []); // what needs no mending needs no lease
  });

  it('answers who has landed, though the journal has no room to say so, and mends that', async () => {
    const { rig, restore } = await broken('unnoted');
    await rig.push('a');
    expect([await rig.heads(), kinds(rig)]).to.deep.equal([['refs/heads/a'], ['intent']]);
    restore();
    await rig.push('b');
    expect(kinds(rig)).to.deep.equal(['intent', 'done', 'intent', 'done']);
  });

  it('mends before it orders', async () => {
    const { rig, restore } = await broken('unnoted');
    await rig.push('a');
    restore();
    await rig.order('k');
    expect(rig.unmirrored).to.have.length(1);
  });
});

import { expect } from 'chai';
import { placeNamed } from '../../../../../adapters/remote-memory/open.js';
import { keyHistory } from '../../../../../domain/client/history/history.js';
import { type Reading, readKey } from '../../../../../domain/client/read/read.js';
import { acknowledgedWrite } from '../../../../../domain/client/write/acknowledged-write.js';
import { decodeUtf8 } from '../../../../../domain/git/bytes.js';
import { indexRef, ledgerRef, strandedRef } from '../../../../../domain/ledger/refs.js';
import { all } from '../../../../support/all.js';
import { eachWay, get, keys, MIRROR, NS, put, set } from './clients.js';

eachWay('readers of a sequenced ledger', (at) => {
  it('what a clone writes it reads, though the mirror has not shown it', async () => {
    await put(at.bob, [set('a', '0')]);
    await at.gateway.mirrored();
    expect([await get(at.ada, 'a'), await get(at.bob, 'a')]).to.deep.equal(['0', '0']);
    at.gateway.mirror.away = true;
    const { commit } = await put(at.ada, [set('a', '1'), set('b', '1')]);
    expect(await get(at.ada, 'a')).to.equal('1');
    expect(await get(at.bob, 'a')).to.equal('0'); // who has not written reads the mirror
    await put(at.ada, [set('c', '1')]);
    expect(await keys(at.ada)).to.deep.equal(['a', 'b', 'c']);
    const [entry] = await all(keyHistory(at.ada.clone, { ns: NS, key: 'b', epochs: true, ...MIRROR }));
    expect(entry?.commit).to.equal(commit);
  });

  it('a read that cannot have what the clone wrote says so', async () => {
    const warnings: string[] = [];
    const clone = { ...at.ada.clone, onWarning: (text: string) => warnings.push(text) };
    const asked = { ns: NS, key: 'a', allowExpired: false };
    await put(at.bob, [set('a', '0')]);
    await at.gateway.mirrored();
    await readKey(clone, { ...asked, ...MIRROR });
    at.gateway.mirror.away = true;
    const { commit } = await put(at.ada, [set('a', '1')]);
    const text = ({ value }: Reading): string => decodeUtf8(value as Uint8Array) ?? '';
    expect(text(await readKey(clone, { ...asked, readFrom: 'mirror', offline: true }))).to.equal('0');
    placeNamed(at.gateway.name).away.add('write');
    expect(text(await readKey(clone, { ...asked, ...MIRROR }))).to.equal('0');
    expect(warnings.map((one) => one.includes(commit ?? '?'))).to.deep.equal([true, true]);
    placeNamed(at.gateway.name).away.delete('write');
    expect(text(await readKey(clone, { ...asked, ...MIRROR }))).to.equal('1');
    expect(text(await readKey(clone, { ...asked, readFrom: 'mirror', offline: true }))).to.equal('1');
    expect(warnings).to.have.length(2);
  });

  it('a wait for the mirror takes the commit that was answered', async () => {
    const { receipt, visible } = await acknowledgedWrite(at.ada.clone, {
      ...{ ns: NS, operations: [set('a', '1')], wait: true, timeoutMs: 5000 },
    });
    expect(visible?.oid).to.equal(receipt.commit);
    let asked = 0;
    const remotes = new Proxy(at.ada.clone.remotes, {
      get: (target, name) => {
        if (name !== 'fetch') return Reflect.get(target, name) as unknown;
        return (...args: Parameters<typeof target.fetch>) => {
          if (args[1] === 'write') asked++;
          return target.fetch(...args);
        };
      },
    });
    expect(await get({ ...at.ada, clone: { ...at.ada.clone, remotes } }, 'a')).to.equal('1');
    expect(asked).to.equal(0);
  });

  it('a ledger that was begun in the clone, and never shown, makes room and is kept', async () => {
    const lone = await at.open('ada');
    const place = placeNamed(at.gateway.name);
    const [writing, reading] = [place.write, place.read];
    [place.write, place.read] = [null, null];
    const own = await put(lone, [set('mine', '1')]);
    [place.write, place.read] = [writing, reading];
    expect(own.landed).to.equal('clone');
    const { warnings } = await put(lone, [set('a', '1')]);
    expect(warnings.join()).to.contain(strandedRef(NS));
    const refs = await lone.clone.store.refs([ledgerRef(NS), indexRef(NS), strandedRef(NS)]);
    expect([...refs]).to.deep.equal([[strandedRef(NS), own.commit]]);
    expect(await keys(lone)).to.deep.equal(['a']);
  });
});

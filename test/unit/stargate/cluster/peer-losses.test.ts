import { expect } from 'chai';
import { PeerLosses } from '../../../../apps/stargate/cluster/peers/peer-losses.js';
import { KvError } from '../../../../ports/error.js';
import { SILENT } from '../../../support/silent-log.js';

describe('servers that can not be spoken to', () => {
  const gone = new KvError('IO_ERROR', 'gone');
  const refused = (reason: string): KvError => new KvError('PEER_REFUSED', `another ${reason}`, { details: { reason } });
  let said: string[];
  let losses: PeerLosses;
  beforeEach(() => {
    said = [];
    const note = (event: string, fields: object = {}) => void said.push([event, ...Object.values(fields)].join(' '));
    losses = new PeerLosses({ ...SILENT, warn: note, info: note });
  });

  it('are told of once, and again when they refuse for another reason, until they answer', () => {
    for (const error of [null, gone, gone, refused('key'), gone, refused('key'), refused('clock'), null, null, gone])
      losses.note('two', error);
    expect(said).to.deep.equal([
      'cluster.peer-lost two gone',
      'cluster.peer-lost two another key',
      'cluster.peer-lost two another clock',
      'cluster.peer-back two',
      'cluster.peer-lost two gone',
    ]);
  });

  it('are told of each for itself, and of no more reasons than there are', () => {
    losses.note('two', gone);
    for (let at = 0; at < 1000; at++) losses.note('three', refused(`reason ${at}`));
    expect(said).to.have.length(17);
  });
});

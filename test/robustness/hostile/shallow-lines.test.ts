import { expect } from 'chai';
import { rejectionIn } from '../../support/failure.js';
import { rig, type Rig } from '../../support/worlds/rig.js';
import { rawPush } from './attacks/raw-push.js';
import { lines } from './attacks/shallow-lines.js';

describe('hostile: a history that is cut off everywhere', () => {
  let r: Rig;
  before(async () => {
    r = await rig();
  });
  after(() => r?.close());

  it('is refused at once, before git has looked at all of its ends', async () => {
    const to = { host: '127.0.0.1', port: r.ssh.port, keyFile: r.keys.writer, path: 'shop.git' };
    const started = performance.now();
    const rejection = rejectionIn(await rawPush(to, lines(), 60_000));
    expect(rejection?.code).to.equal('POLICY_VIOLATION');
    expect(rejection?.message).to.contain('cut off');
    expect(performance.now() - started).to.be.lessThan(20_000);
  });
});

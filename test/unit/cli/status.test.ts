import { expect } from 'chai';
import { statusText } from '../../../apps/cli/render/remote/status.js';
import type { StatusReport } from '../../../domain/admin/status.js';

describe('the status of a Stargate, in lines', () => {
  it('says how long it has been up and what its disk has, as people do', () => {
    const status = { uptime_s: 289, disk: { free: 74_869_510_144, size: 270_553_174_016, full: null } };
    expect(statusText(status as unknown as StatusReport)).to.equal(
      'up: 4 min 49 s\ndisk:\n  free: 74.9 GB\n  size: 270.6 GB\n  full: -\n',
    );
  });

  it('takes an answer without either', () => {
    expect(statusText({ leader: true } as unknown as StatusReport)).to.equal('leader: true\n');
  });
});

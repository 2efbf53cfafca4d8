import { expect } from 'chai';
import { networkOf } from '../../../ports/grammar/network/network.js';

describe('whose a remote address is', () => {
  it('takes an IPv4 address for itself, however it is written', () => {
    for (const written of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:192.0.2.7']) {
      expect(networkOf(written), written).to.equal('192.0.2.7');
    }
  });

  it('takes the /64 of an IPv6 address, however it is written', () => {
    for (const written of ['2001:db8:0:1::1', '2001:DB8:0:1:a:b:c:d', '2001:0db8:0000:0001::192.0.2.7', '2001:db8:0:1::9%eth0']) {
      expect(networkOf(written), written).to.equal('2001:db8:0:1::/64');
    }
    expect(networkOf('2001:db8:0:2::1')).to.equal('2001:db8:0:2::/64');
    expect(networkOf('::1')).to.equal('0:0:0:0::/64');
  });

  it('leaves what is no address', () => {
    for (const other of ['', 'a:b', '1::2::3', '1:2:3:4:5:6:7:8:9']) expect(networkOf(other)).to.equal(other);
  });
});

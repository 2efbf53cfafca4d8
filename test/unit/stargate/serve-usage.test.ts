import { expect } from 'chai';
import { runServe } from '../../../apps/stargate/serve.js';
import { failure } from '../../support/failure.js';

describe('stargate: what serve is asked', () => {
  const refused = async (...args: readonly string[]): Promise<string> => (await failure(runServe(args), 'USAGE')).message;

  it('is refused where a flag goes with one that is not there, before anything is opened', async () => {
    for (const [flag, value = 'x'] of [
      ['max-open', '3'],
      ['api-token-file'],
      ['peer', 'http://127.0.0.1:1'],
      ['server-id', 'a'],
      ['listen-peers', '127.0.0.1:0'],
      ['peer-key-file'],
      ['peer-ca'],
      ['peer-cert'],
      ['peer-cert-key'],
      ['trusted', '10.0.0.0/8'],
    ] as const) {
      expect(await refused('--repo', '/none', `--${flag}`, value)).to.equal(`--${flag} goes with --root`);
    }
    expect(await refused('--repo', '/none', '--api')).to.equal('--api goes with --root');
    for (const flag of ['server-id', 'listen-peers', 'peer-key-file', 'peer-ca', 'peer-cert', 'peer-cert-key', 'trusted'])
      expect(await refused('--root', '/none', `--${flag}`, 'x')).to.equal(`--${flag} goes with --api`);
  });

  it('is one repository, or all below a folder', async () => {
    for (const flag of ['repo', 'policy-path', 'mirror-remote'])
      expect(await refused('--root', '/none', `--${flag}`, 'x')).to.contain(`--${flag} is for one repository`);
  });
});

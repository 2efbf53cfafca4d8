import { expect } from 'chai';
import { open } from '../../adapters/tracing-otel/open.js';
import { findProfile, openProfile } from '../../plugins/host/index.js';
import type { Tracing } from '../../ports/index.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { tracingContract } from '../contracts/tracing.js';
import { OtlpReceiver } from '../support/programs/otlp-receiver.js';
import { alone } from '../support/alone.js';

const context = alone();

for (const protocol of ['http/protobuf', 'http/json'] as const) {
  tracingContract(`tracing-otel, ${protocol}`, async () => {
    const receiver = await OtlpReceiver.start();
    const tracing = await open({ protocol, endpoint: receiver.url, ratio: 1, service: 'stargate-of-the-test' }, context);
    return {
      tracing,
      delivered: () => {
        if (receiver.spans.length > 0) expect([...receiver.services]).to.deep.equal(['stargate-of-the-test']);
        return receiver.spans;
      },
      vanish: () => receiver.stop(),
      dispose: () => receiver.stop(),
    };
  });
}

describe('tracing-otel', () => {
  const opened = async (config: Record<string, unknown>): Promise<Tracing> => {
    const profile = await findProfile('memory');
    const adapters = { ...profile.adapters, tracing: { use: 'tracing-otel', config, line: 1, wrap: [] } };
    return (await openProfile({ ...profile, adapters }, { directory: '/nonexistent', env: {} })).get<Tracing>('tracing');
  };

  it('records no more of the traces that begin here than it is told to', async () => {
    const receiver = await OtlpReceiver.start();
    const tracing = await opened({ endpoint: receiver.url, ratio: 0 });
    tracing.begin('stargate.session').end();
    await tracing.close();
    await receiver.stop();
    expect(receiver.spans).to.deep.equal([]);
    expect(tracing.lost).to.equal(0);
  });

  it('has its configuration checked', async () => {
    for (const config of [
      { endpoint: 'localhost:4318' },
      { endpoint: 'ftp://x' },
      { protocol: 'grpc' },
      { ratio: 2 },
      { service: '' },
      { key: 1 },
    ]) {
      expect((await thrownBy(opened(config))).code, JSON.stringify(config)).to.equal('CONFIG_INVALID');
    }
  });
});

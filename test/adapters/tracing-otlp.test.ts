import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { destinationOf, open } from '../../adapters/tracing-otlp/open.js';
import { type AdapterContext, type CloneConfig, KvError, type PortName, type Tracing } from '../../ports/index.js';
import { tracingContract } from '../contracts/tracing.js';
import { OtlpReceiver } from '../support/programs/otlp-receiver.js';
import { alone } from '../support/alone.js';

/** A context with a clone's configuration, or, as in a daemon, without. */
const contextWith = (env: Record<string, string>, tracing?: string): AdapterContext => ({
  ...alone('/nonexistent', env),
  async get<T>(port: PortName): Promise<T> {
    if (tracing === undefined) throw new KvError('CONFIG_INVALID', `no ${port} adapter`);
    return { get: (key: string) => (key === 'kv.tracing' ? tracing : undefined) } as CloneConfig as T; // only this is asked for
  },
});

tracingContract('tracing-otlp', async () => {
  const receiver = await OtlpReceiver.start();
  return {
    tracing: await open(undefined, contextWith({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })),
    delivered: () => receiver.spans,
    vanish: () => receiver.stop(),
    dispose: () => receiver.stop(),
  };
});

describe('tracing-otlp', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.closeAllConnections();
  });

  it('goes where the clone says, else where the environment does', () => {
    const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
    const special = { ...general, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces:1/own' };
    const url = (env: Record<string, string>, base?: string) => destinationOf(env, base)?.url.href;
    expect(url(special, 'http://here:9')).to.equal('http://here:9/v1/traces');
    expect(url(special, 'true')).to.equal('https://traces:1/own');
    expect(url(general)).to.equal('http://collector:4318/v1/traces');
    expect(url({}), 'nowhere').to.equal(undefined);
    expect(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'file:///etc/passwd' })).to.equal(undefined);
    expect(url({ ...special, OTEL_SDK_DISABLED: 'true' }, 'http://here:9')).to.equal(undefined);
  });

  it('takes headers and patience from the environment, and none that break a request', () => {
    const of = (headers: string, timeout = '') =>
      destinationOf({ OTEL_EXPORTER_OTLP_HEADERS: headers, OTEL_EXPORTER_OTLP_TIMEOUT: timeout }, 'http://here:9');
    expect(of('a=1, authorization=Bearer%20x,bad header=2,c=%0d%0ax: y,d=%zz')?.headers).to.deep.equal({
      a: '1',
      authorization: 'Bearer x',
    });
    expect([of('', '500'), of('', '-1'), of('', '99999999'), of('')].map((one) => one?.timeoutMs)).to.deep.equal([
      500, 2000, 2000, 2000,
    ]);
  });

  it('records where nothing is sent, so that the other side can be told', async () => {
    const tracing: Tracing = await open(undefined, contextWith({}, 'true'));
    const span = tracing.begin('git-kv.write');
    expect(span.context?.sampled).to.equal(true);
    span.end();
    await tracing.close();
    expect(tracing.lost).to.equal(0);
  });

  it('waits no longer than it was told for a collector that does not answer, and follows it nowhere', async () => {
    const hang = createServer(() => undefined);
    const elsewhere = createServer((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    for (const server of [hang, elsewhere]) {
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      server.unref();
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const tracing = await open(undefined, contextWith({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '200' }));
      tracing.begin('git-kv.write').end();
      await tracing.close();
      expect(tracing.lost).to.equal(1);
    }
  });

  it('keeps so many spans in memory and no more', async () => {
    const receiver = await OtlpReceiver.start();
    const tracing = await open(undefined, contextWith({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }));
    for (let i = 0; i < 2500; i++) tracing.begin('git-kv.write').end();
    await tracing.close();
    await receiver.stop();
    expect(receiver.spans).to.have.length(2048);
    expect(tracing.lost).to.equal(452);
  });
});

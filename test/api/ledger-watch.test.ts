import fastify, { type FastifyInstance } from 'fastify';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Clone } from '../../apps/api/ledger/open-ledger.js';
import { watchRoute } from '../../apps/api/routes/ledger/watch.js';
import { until } from '../support/until.js';

describe('api: a watch of a ledger', () => {
  let app: FastifyInstance;
  let port: number;
  const signals: AbortSignal[] = [];
  before(async () => {
    app = fastify();
    // A ledger in which nothing happens: no event comes until whoever watches has gone.
    const silent = {
      async *watch({ signal }: { readonly signal: AbortSignal }) {
        signals.push(signal);
        if (!signal.aborted) await once(signal, 'abort');
        yield* [];
      },
    };
    const use = <T>(work: (clone: Clone) => Promise<T>): Promise<T> => work(silent as unknown as Clone); // nothing else is asked of it
    const own = app.withTypeProvider<TypeBoxTypeProvider>().setValidatorCompiler(TypeBoxValidatorCompiler);
    watchRoute(own, use, new AbortController().signal);
    await app.listen({ host: '127.0.0.1', port: 0 });
    ({ port } = app.server.address() as AddressInfo);
  });
  after(() => app.close());
  const begin = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // it goes in the middle
    socket.write('GET /kv/main/watch HTTP/1.1\r\nHost: x\r\n\r\n');
    return socket;
  };

  it('ends with its client, also one that leaves before the first event', async () => {
    const early = await begin();
    await until('it is watched', () => signals.length === 1);
    early.destroy();
    await until('the watch has ended', () => signals[0]?.aborted === true);
    // One that was answered, and still has had no event.
    const late = await begin();
    await once(late, 'data');
    late.destroy();
    await until('that watch has ended', () => signals[1]?.aborted === true);
    // As many as there may be at a time leave so: each has given back its place.
    const many = await Promise.all(Array.from({ length: 200 }, () => begin()));
    await until('all are watched', () => signals.length === 202);
    for (const socket of many) socket.destroy();
    await until('all have ended', () => signals.every(({ aborted }) => aborted));
    const status = async (): Promise<string> => {
      const socket = await begin();
      const [head] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return head.toString('latin1').slice(9, 12);
    };
    await until('there is room again', async () => (await status()) === '200');
    expect(await status()).to.equal('200');
  }).timeout(30_000);
});

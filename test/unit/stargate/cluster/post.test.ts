import { expect } from 'chai';
import { PeerDispatch } from '../../../../apps/stargate/cluster/peers/dispatch.js';
import { Post } from '../../../../apps/stargate/cluster/peers/post.js';
import type { Message } from '../../../../domain/gateway/replicate/messages.js';
import { decodeMessage } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError } from '../../../../ports/error.js';
import { noStream, type PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import { until } from '../../../support/until.js';

const HEAD = { sequence: 0, term: 1, digest: '', members: ['one', 'two', 'three'] };

function prepare(attempt: number): Message {
  const entry = { id: `${attempt}`, sequence: attempt, term: 1, attempt, before: '', after: '', updates: [], events: [] };
  return { kind: 'prepare', entry: { ...entry, members: HEAD.members }, head: HEAD };
}

describe('the post of a server', () => {
  it('has few messages on their way to one that says nothing, keeps the newest alone of the others, and goes on with it', async () => {
    /** Calls under way, each with its attempt or what was settled, and what ends it. */
    const calls: { to: string; message: Message; end: () => void }[] = [];
    let packs = 0;
    const transport: PeerTransport = {
      ...{ capabilities: { authenticated: true }, self: 'one', servers: HEAD.members, address: null },
      call: (to, { body }) =>
        new Promise((resolve, reject) => {
          const message = decodeMessage(body.subarray(1));
          const end = (): void => {
            if (to === 'two') reject(new KvError('IO_ERROR', 'nothing was said'));
            else resolve({ body: new Uint8Array(0), stream: noStream() });
          };
          calls.push({ to, message, end });
          if (to === 'three') end();
        }),
      serve: async () => undefined,
      meet: () => undefined,
      close: async () => undefined,
    };
    const post = new Post({
      ...{ dispatch: new PeerDispatch(transport), repository: 'kv', deliver: () => undefined, called: () => undefined },
      packs: {
        async of() {
          packs++;
          return noStream();
        },
        take: async () => undefined,
      },
    });
    const many = 5000;
    for (let at = 1; at <= many; at++) {
      post.send('two', prepare(at));
      post.send('two', { kind: 'outcome', term: 1, head: HEAD, settled: at });
      if (at % 100 === 0) post.send('three', prepare(at));
    }
    const heardByThree = (): Message[] => calls.filter(({ to }) => to === 'three').map(({ message }) => message);
    await until('three has heard the newest', () => heardByThree().at(-1)?.kind === 'prepare' && heardByThree().length >= 9);
    expect(heardByThree().at(-1)).to.deep.equal(prepare(many));
    const silent = calls.filter(({ to }) => to === 'two');
    expect(silent.length).to.equal(16); // 8 of each kind
    expect(packs - heardByThree().length).to.be.at.most(16);
    for (const { end } of silent) end();
    const newest = (): Message[] =>
      calls.filter(({ to }) => to === 'two').flatMap(({ message }, at) => (at < 16 ? [] : [message]));
    await until('the newest went', () => newest().length === 2);
    expect(newest().find(({ kind }) => kind === 'prepare')).to.deep.equal(prepare(many));
    expect(newest().find(({ kind }) => kind === 'outcome')).to.include({ settled: many });
    post.close();
  });
});

import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { IntentStream, type IntentStreamOptions } from '../../../apps/stargate/intents/intent-stream.js';
import type { ExecSession } from '../../../apps/stargate/exec-session.js';
import { principal } from '../../../domain/access/principal.js';
import type { SoundIntent } from '../../../domain/gateway/sequence/check-intent.js';
import { encodeFrame, encodeObjects, type Ordered } from '../../../domain/git/wire/intent-frames.js';
import { memory } from '../../support/memory/memory.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';

describe('the place of a stream of intents', () => {
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };

  it('is for others while nothing is under way, and who takes it ends the stream well', async () => {
    const { store, namer } = memory();
    let ended: (() => void) | null = null;
    const answers: ((ordered: Ordered) => void)[] = [];
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    const session: Partial<ExecSession> = {
      ...{ input, output, gone: new AbortController().signal, request: 'r' },
      pusherNow: () => principal('ada', 'writer'),
      place: { idle: (end) => (ended = end) },
    };
    const options: Partial<IntentStreamOptions> = {
      ...{ store, namer, over: new AbortController().signal, limits: () => USUAL_LIMITS, room: async () => undefined },
      greeting: async () => ({ repository: 'r', format: 'sha1', maxFrame: 1000, traces: false, namespaces: [] }),
      answered: () => undefined,
      gateway: {
        checkIntent: async () => ({ intent: { trailers: { txn: 't' } } }) as SoundIntent, // all that is asked of it
        order: () => new Promise((resolve) => answers.push(resolve)),
      },
    };
    const run = new IntentStream(session as ExecSession, options as IntentStreamOptions).run();
    await settled();
    expect(ended, 'nobody has said anything').to.be.a('function');
    const frame = encodeFrame('I', encodeObjects([namer.object('commit', new TextEncoder().encode('tree'))]));
    input.write(frame.subarray(0, 7));
    await settled();
    expect(ended, 'within a frame').to.equal(null);
    input.write(frame.subarray(7));
    await settled();
    expect([answers.length, ended], 'not answered yet').to.deep.equal([1, null]);
    const none = { ns: 'main', txn: 't', commit: null, parent: null, tree: null, epoch: 'e', set: 0, del: 0 };
    answers[0]?.({ ...none, unchanged: [], lostTtl: [], retried: false });
    await settled();
    expect(ended, 'answered').to.be.a('function');
    (ended as unknown as () => void)();
    expect(await run).to.equal(0);
    expect(ended, 'it has none any more').to.equal(null);
  });
});

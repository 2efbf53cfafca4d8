import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { advertisement } from '../../../adapters/host-git/service/receive/commands.js';
import { systemClock } from '../../../adapters/clock-system/open.js';
import { serveAdmin } from '../../../apps/stargate/admin/serve-admin.js';
import type { ExecSession, ServeExec } from '../../../apps/stargate/exec-session.js';
import { turnNews } from '../../../apps/stargate/admin/turn-news.js';
import { turnVerb } from '../../../apps/stargate/admin/turn.js';
import { principal } from '../../../domain/access/principal.js';
import { TURN, type TurnReport } from '../../../domain/admin/turn.js';
import { Turns } from '../../../domain/gateway/turns/turns.js';
import { KvError } from '../../../ports/error.js';
import { turnsCapability } from '../../../ports/grammar/turns-capability.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { commit, files } from '../../contracts/git-objects.js';
import { memory, SeededRandomness } from '../../support/memory/memory.js';

const OID = '0123456789abcdef0123456789abcdef01234567';
const SILENT = { waiting: () => undefined, granted: () => undefined, unused: () => undefined };

/** A verb whose turns last `turnTime` ms, served to a client of which the test holds the other end. */
function rig(turnTime: number, push: ServeExec, { store, news } = { store: memory().store, news: async () => {} }) {
  const turns = new Turns({
    ...{ clock: systemClock(), randomness: new SeededRandomness(1), mostOfOne: () => 9, observer: SILENT },
    limits: () => ({ turnTime, turnPush: 5000, turnsWaiting: 9 }),
  });
  const verb = turnVerb({
    store,
    policy: () => ({ namespaces: new Map([['main', {}]]) }) as unknown as Policy, // all that is asked of it
    news: () => news().then(() => null),
    line: async () => ({ turns, push, over: new AbortController().signal }),
  });
  const [input, output, said] = [new PassThrough(), new PassThrough(), [] as string[]];
  const gone = new AbortController();
  const session: ExecSession = {
    ...{ pusher: principal('ada', 'writer'), fingerprint: 'SHA256:ada', request: '1', remote: '-', gitProtocol: undefined },
    ...{ input, output, complain: (text: string) => void said.push(text), gone: gone.signal },
    pusherNow: () => principal('ada', 'writer'),
  };
  const ask = (...words: string[]) => serveAdmin([verb], 'turn', ['main', ...words], 5)(session);
  return { turns, input, output, said, gone, ask };
}

/** The first line that isn't empty, and what came behind it. */
async function answerOf(output: PassThrough): Promise<{ readonly report: TurnReport; readonly rest: string }> {
  let text = '';
  for await (const piece of output.iterator({ destroyOnReturn: false })) {
    text = `${text}${piece as string}`.trimStart();
    if (text.includes('\n')) break;
  }
  const end = text.indexOf('\n');
  return { report: JSON.parse(text.slice(0, end)) as TurnReport, rest: text.slice(end + 1) };
}

describe('the verb of turns', () => {
  it('reads its words, and refuses others', () => {
    const push = { ledger: OID, index: null };
    expect(TURN.encode({ ns: 'main', push })).to.deep.equal(['main', '--push', OID, '-']);
    expect(TURN.decode(['main', '--push', OID, '-'])).to.deep.equal({ ns: 'main', push });
    expect(TURN.decode(['main'])).to.deep.equal({ ns: 'main' });
    for (const words of [
      ['main', '--have'],
      ['main', '--push'],
      ['main', '--push', OID],
      ['main', '--push', OID, '-', '-'],
      ['main', '--push', 'HEAD', '-'],
      [''],
    ])
      expect(() => TURN.decode(words), words.join(' '))
        .to.throw(KvError)
        .with.property('code', 'USAGE');
  });

  it('becomes a push, to which all goes that the client says from then on', async () => {
    let heard = '';
    const { ask, input, output, turns } = rig(5000, async (session) => {
      await sleep(20); // signs of life would come meanwhile
      session.output.write('greeting');
      for await (const piece of session.input) heard += String(piece);
      return 7;
    });
    const status = ask('--push', '-', '-');
    const { report } = await answerOf(output);
    expect(report).to.include({ ns: 'main', waiting: 0, waited_ms: 0, ledger: null, index: null, pack: null });
    expect(turns.held()).to.deep.equal(['main']);
    input.end('commands');
    expect(await status).to.equal(7);
    expect([heard, String(output.read())]).to.deep.equal(['commands', 'greeting']);
    expect(turns.held(), 'it is over with the push').to.deep.equal([]);
  });

  it('cuts a push off that has not begun when its turn goes by, and none that has', async () => {
    const reasons: unknown[] = [];
    const until = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const idle = rig(30, async ({ gone }) => {
      await until(gone);
      reasons.push((gone.reason as KvError).code);
      return 1;
    });
    expect(await idle.ask('--push', '-', '-')).to.equal(1);
    expect(reasons).to.deep.equal(['CAS_CONFLICT']);
    const busy = rig(30, async ({ gone }) => {
      const end = busy.turns.begin((await answerOf(busy.output)).report.token);
      await sleep(60);
      reasons.push(gone.aborted);
      end();
      return 0;
    });
    expect(await busy.ask('--push', '-', '-')).to.equal(0);
    expect(reasons).to.deep.equal(['CAS_CONFLICT', false]);
  });

  it('cuts a push off whose turn went by while what is new was made', async () => {
    const { store } = memory();
    const { root, objects } = files('sha1', {});
    const tip = commit('sha1', { tree: root, time: 1_700_000_000 });
    await store.write([...objects, tip]);
    await store.updateRefs(
      ['refs/kv/main', 'refs/kv-index/main'].map((ref) => ({ ref, old: null, next: tip.oid })),
      'test',
    );
    const reasons: unknown[] = [];
    const push: ServeExec = async ({ gone }) => {
      for (let waited = 0; !gone.aborted && waited < 1000; waited += 10) await sleep(10);
      reasons.push((gone.reason as KvError | undefined)?.code);
      return 1;
    };
    const { ask } = rig(10, push, { store, news: () => sleep(50) });
    expect(await ask('--push', OID, OID)).to.equal(1);
    expect(reasons).to.deep.equal(['CAS_CONFLICT']);
  });

  it('brings what is little, made here or by a process, and nothing where it is much or something is wrong', async () => {
    const { store } = memory();
    const commits = ['none'];
    const { root, objects } = files('sha1', {});
    await store.write(objects);
    for (let i = 0; i < 520; i++) {
      const made = commit('sha1', { tree: root, time: 1_700_000_000 + i, parents: i === 0 ? [] : [commits.at(-1) as string] });
      await store.write([made]);
      commits.push(made.oid);
    }
    const tip = commits.at(-1) as string;
    const asked: string[] = [];
    const news = (behind: number, bytes = 9) => {
      const pack = new Uint8Array(bytes);
      async function* send(): AsyncGenerator<Uint8Array> {
        asked.push('process');
        yield pack;
      }
      const make = async () => [asked.push('here'), pack].slice(1) as [Uint8Array];
      const have = commits.at(-1 - behind) as string;
      return turnNews({ small: { make }, exchange: { send }, reader: store })([tip, tip], [have, have]);
    };
    for (const behind of [1, 4, 5, 500]) expect((await news(behind))?.length, `${behind}`).to.equal(9);
    expect(asked).to.deep.equal(['here', 'here', 'process', 'process']);
    for (const behind of [501, 520]) expect(await news(behind), `${behind}`).to.equal(null);
    expect(asked).to.have.length(4);
    expect((await news(5, 512 * 1024))?.length).to.equal(512 * 1024);
    for (const behind of [1, 5]) expect(await news(behind, 512 * 1024 + 1)).to.equal(null);
    const make = async (): Promise<never> => {
      throw new KvError('GIT_ERROR', 'object is not here');
    };
    const [have] = [commits.at(-2) as string];
    const broken = turnNews({ small: { make }, exchange: { send: () => expect.fail('nobody asks') }, reader: store });
    expect(await broken([tip, tip], [have, have])).to.equal(null);
  });

  it('is told of in what receive-pack says first, of some namespaces', () => {
    const said = (turns: readonly string[]) =>
      Buffer.from(advertisement([], { format: 'sha1', version1: false, turns })).toString();
    expect(said([])).not.to.contain('kv-turns');
    expect(said(['main', 'a.b'])).to.contain(' agent=git-kv kv-turns=main,a.b\n');
    const many = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(63, 'n'));
    expect(turnsCapability(many)?.split(',')).to.have.length(16);
    expect(said(many).length).to.be.below(2000);
  });
});

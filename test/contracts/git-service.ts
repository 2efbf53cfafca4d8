import { expect } from 'chai';
import type { ByteSink, PushProcess, ServiceClient } from '../../ports/git/git-service.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { type HostBench, plain, point } from './host-parts/bench.js';

/** More than any of these needs. */
const AMPLE = { memory: 512 * 1024 ** 2, time: 600_000 };
const REF = 'refs/heads/main';
const ZERO = '0'.repeat(40);
const FLUSH = '0000';
/** A pack without objects: its header, and the SHA-1 of that. */
const EMPTY_PACK = Uint8Array.from(
  ('5041434b0000000200000000' + '029d08823bd8a8eab510ad6ac75c823cfd3ed31e').match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);
const pkt = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;
const say = (sink: ByteSink, text: string): void => void sink.write(new TextEncoder().encode(text));

/** A client that keeps what it hears. */
function listener(): ServiceClient & { heard: () => string; complaints: () => string } {
  let [heard, complaints] = ['', ''];
  return {
    output(bytes) {
      heard += Buffer.from(bytes).toString('latin1');
      return Promise.resolve();
    },
    errors(bytes) {
      complaints += Buffer.from(bytes).toString('utf8');
    },
    heard: () => heard,
    complaints: () => complaints,
  };
}

/** Text of a hook until it holds something, or to its end. */
async function until(bytes: AsyncIterator<Uint8Array>, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  while (!enough(text)) {
    const next = await bytes.next();
    if (next.done === true) return text;
    text += Buffer.from(next.value).toString('latin1');
  }
  return text;
}

/** Every promise of the `git-service` port. */
export function gitServiceContract(name: string, factory: () => Promise<HostBench>): void {
  describe(`git-service contract: ${name}`, function () {
    this.timeout(30_000);
    let bench: HostBench;
    let store: GitStore;
    let tip: Oid;
    let client: ReturnType<typeof listener>;
    beforeEach(async () => {
      bench = await factory();
      await bench.host.create(plain());
      store = await bench.openStore();
      tip = await point(store, REF, 'one');
      client = listener();
    });
    afterEach(async () => {
      await store.close();
      await bench.dispose();
    });

    it('serves a fetch, and hands all of its output on before it says that it has ended', async () => {
      const { input, ended } = bench.services.read('upload-pack', { gitProtocol: undefined, bounds: AMPLE }, client);
      say(input, FLUSH);
      input.end();
      input.end();
      expect(await ended).to.equal(0);
      expect(client.heard()).to.contain(`${tip} ${REF}\n`).and.to.match(/0000$/);
      say(input, FLUSH); // nobody is there any more
    });

    it('serves a fetch as HTTP has it: the refs at one request, and an answer to another', async () => {
      const version2 = { gitProtocol: 'version=2', bounds: AMPLE } as const;
      const refs = bench.services.read('upload-pack', { gitProtocol: undefined, stateless: 'refs', bounds: AMPLE }, client);
      refs.input.end();
      expect(await refs.ended).to.equal(0);
      expect(client.heard()).to.contain(`${tip} ${REF}\n`).and.to.match(/0000$/);
      const other = listener();
      const answer = bench.services.read('upload-pack', { ...version2, stateless: 'answer' }, other);
      say(answer.input, `${pkt('command=ls-refs\n')}0001${pkt('ref-prefix refs/heads/\n')}${FLUSH}`);
      answer.input.end();
      expect(await answer.ended).to.equal(0);
      expect(other.heard()).to.equal(`${pkt(`${tip} ${REF}\n`)}${FLUSH}`);
    });

    it('serves the protocol that the client asked for', async () => {
      const { input, ended } = bench.services.read('upload-pack', { gitProtocol: 'version=2', bounds: AMPLE }, client);
      say(input, FLUSH);
      input.end();
      expect(await ended).to.equal(0);
      expect(client.heard()).to.match(/^000eversion 2\n/);
    });

    it('serves an archive', async () => {
      const { input, ended } = bench.services.read('upload-archive', { gitProtocol: undefined, bounds: AMPLE }, client);
      say(input, `${pkt('argument --format=tar\n')}${pkt(`argument ${REF.slice('refs/heads/'.length)}\n`)}${FLUSH}`);
      input.end();
      expect(await ended).to.equal(0);
      expect(client.heard()).to.contain('ACK').and.to.contain('ustar');
    });

    it('tells on its errors what is wrong', async () => {
      const { input, ended } = bench.services.read('upload-pack', { gitProtocol: undefined, bounds: AMPLE }, client);
      say(input, 'GET / HTTP/1.1\r\n');
      input.end();
      expect(await ended).to.not.equal(0);
      expect(client.complaints()).to.not.equal('');
    });

    it('waits for a client that is slow, and not for one that is gone', async () => {
      // More than one read brings, and little enough for the process to end while the client is slow.
      const names = Array.from({ length: 400 }, (_, i) => `refs/heads/${'one-of-many-'.repeat(15)}${i}`);
      await store.updateRefs(
        names.map((ref) => ({ ref, old: null, next: tip })),
        'test',
      );
      let handed = 0;
      const stuck: ServiceClient = {
        output: () => {
          handed += 1;
          return new Promise(() => undefined);
        },
        errors: () => undefined,
      };
      const { input, ended, stop } = bench.services.read('upload-pack', { gitProtocol: undefined, bounds: AMPLE }, stuck);
      say(input, FLUSH);
      while (handed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 300)); // time to end, and to hand on more than it may
      expect(handed).to.equal(1);
      stop();
      stop();
      expect(await ended).to.be.a('number');
      expect(handed).to.equal(1);
    });

    /** Asks for the ref to go, as a client without objects. */
    const deletion = (): { push: PushProcess; pre: AsyncIterator<Uint8Array>; proc: AsyncIterator<Uint8Array> } => {
      const push = bench.services.receive({ gitProtocol: undefined, maxBytes: 1_000_000, bounds: AMPLE }, client);
      say(push.input, `${pkt(`${tip} ${ZERO} ${REF}\0report-status atomic`)}${FLUSH}`);
      const { preReceive, procReceive } = push.hooks;
      return { push, pre: preReceive[Symbol.asyncIterator](), proc: procReceive[Symbol.asyncIterator]() };
    };
    const still = async (): Promise<unknown> => expect((await store.refs([REF])).get(REF)).to.equal(tip);

    it('asks before it takes a push, and passes on what the host says', async () => {
      const { push, pre, proc } = deletion();
      expect(await until(pre, (text) => text.endsWith('end\n'))).to.equal(`quarantine \n${tip} ${ZERO} ${REF}\nend\n`);
      say(push.hooks.verdict, 'say not today\nno\n');
      await push.ended;
      expect(client.complaints()).to.equal('not today\n');
      expect(client.heard()).to.contain(`ng ${REF} pre-receive hook declined`);
      expect(await until(proc, () => false), 'the second hook never ran').to.equal('');
      await still();
    });

    it('lets the host move the refs, and moves none itself', async () => {
      const { push, pre, proc } = deletion();
      await until(pre, (text) => text.endsWith('end\n'));
      say(push.hooks.verdict, 'ok\n');
      expect(await until(proc, (text) => text.endsWith(FLUSH))).to.match(/^....version=1\0.*atomic/);
      say(push.hooks.procReceiveReply, `${pkt('version=1\n')}${FLUSH}`);
      expect(await until(proc, (text) => text.endsWith(FLUSH))).to.equal(`${pkt(`${tip} ${ZERO} ${REF}`)}${FLUSH}`);
      await still();
      say(push.hooks.procReceiveReply, `${pkt(`ok ${REF}\n`)}${FLUSH}`);
      push.hooks.procReceiveReply.end();
      say(push.hooks.verdict, 'ok\n');
      push.hooks.verdict.end();
      expect(await push.ended).to.equal(0);
      expect(client.heard()).to.contain(`ok ${REF}`);
      await still();
    });

    it('takes push options, which are for the host alone', async () => {
      const made = `${REF}-made`;
      const push = bench.services.receive({ gitProtocol: undefined, maxBytes: 1_000_000, bounds: AMPLE }, client);
      const said = `${pkt('traceparent=00-x')}${pkt('x=$(true)\n')}${FLUSH}`;
      say(push.input, `${pkt(`${ZERO} ${tip} ${made}\0report-status push-options atomic`)}${FLUSH}${said}`);
      push.input.write(EMPTY_PACK);
      push.input.end();
      const [pre, proc] = [push.hooks.preReceive, push.hooks.procReceive].map((one) => one[Symbol.asyncIterator]());
      const told = await until(pre as AsyncIterator<Uint8Array>, (text) => text.endsWith('end\n'));
      expect(told, client.complaints()).to.contain(`${ZERO} ${tip} ${made}\n`);
      expect(client.heard(), 'it says that it does').to.contain(' push-options');
      say(push.hooks.verdict, 'ok\n');
      const greeting = await until(proc as AsyncIterator<Uint8Array>, (text) => text.endsWith(FLUSH));
      expect(greeting)
        .to.match(/^....version=1\0/)
        .and.not.contain('push-options');
      push.stop();
      await push.ended;
      expect((await store.refs([made])).size).to.equal(0);
    });

    it('takes nothing when it is stopped while a hook waits', async () => {
      const { push, pre } = deletion();
      await until(pre, (text) => text.endsWith('end\n'));
      push.stop();
      await push.ended;
      say(push.hooks.verdict, 'ok\n');
      await still();
    });
  });
}

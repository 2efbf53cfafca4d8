import { Duplex, PassThrough } from 'node:stream';
import { expect } from 'chai';
import { openMemoryPeers, PeerPlace } from '../../../../adapters/peer-memory/open.js';
import { parsePolicy } from '../../../../adapters/policy-yaml/parse.js';
import { PeerDispatch, TOPICS } from '../../../../apps/stargate/cluster/peers/dispatch.js';
import { decodeAsked, encodeFrame } from '../../../../apps/stargate/forward/frames.js';
import { type Forwarding, openForwarding } from '../../../../apps/stargate/forward/open-forwarding.js';
import { type ExecSession, REFUSED } from '../../../../apps/stargate/exec-session.js';
import { fingerprintOf } from '../../../../apps/stargate/ssh/auth.js';
import type { SshCommand } from '../../../../apps/stargate/ssh/command.js';
import { routeCommands } from '../../../../apps/stargate/ssh/route.js';
import type { Principal } from '../../../../domain/access/principal.js';
import { KvError } from '../../../../ports/error.js';
import { parseSshKey } from '../../../../ports/grammar/network/ssh-key.js';
import type { Policy } from '../../../../ports/stargate/policy-reader.js';
import { parseRejection } from '../../../../ports/rejection.js';
import { refusal } from '../../../support/failure.js';
import { MemoryPeople } from '../../../support/memory/people.js';
import { SILENT } from '../../../support/silent-log.js';
import { until } from '../../../support/until.js';

const PUSH: SshCommand = { kind: 'git', service: 'git-receive-pack', path: 'kv' };
const people = new MemoryPeople();

function policyOf(writers: readonly string[], standby = 'forward'): Policy {
  const text = people.policyText(writers, ['main']);
  return parsePolicy(text.replace(/^stargate:\n/m, `stargate:\n  standby: ${standby}\n`), 'policy.yaml');
}

function fingerprint(person: string): string {
  const key = parseSshKey(people.line(person));
  if (typeof key !== 'object') throw new Error(`${person}'s key can't be read`);
  return fingerprintOf(key.blob);
}

/** Answers as a Git server does: it greets, hears the client out up to a full stop, answers, and ends though the client may not. */
async function converse(session: ExecSession, hears: (heard: string) => void): Promise<number> {
  session.output.write(`hello ${session.pusher.name}\n`);
  let heard = '';
  for await (const piece of session.input) {
    heard += String(piece);
    hears(heard);
    if (heard.includes('.')) break;
  }
  session.pusherNow();
  session.complain('a word\n');
  session.output.write(heard.toUpperCase());
  return 7;
}

interface Client {
  readonly session: ExecSession;
  readonly input: PassThrough;
  heard(): string;
  said: string;
  leave(): void;
}

function clientOf(person: string, pusher: Principal): Client {
  const input = new PassThrough();
  let heard = '';
  // As a channel of SSH: one stream, whose input may end long before its output does.
  const channel = new Duplex({
    read: () => undefined,
    write(bytes: Buffer, _encoding, done) {
      heard += bytes.toString();
      done();
    },
  });
  input.on('data', (bytes: Buffer) => channel.push(bytes)).on('end', () => channel.push(null));
  const gone = new AbortController();
  const client: Client = {
    ...{ input, heard: () => heard, said: '', leave: () => gone.abort() },
    session: {
      ...{ pusher, pusherNow: () => pusher, fingerprint: fingerprint(person), request: 'r1', remote: '127.0.0.1:5' },
      ...{ gitProtocol: undefined, input: channel, output: channel, gone: gone.signal },
      complain(text) {
        client.said += text;
      },
    },
  };
  return client;
}

/** Servers of which some lead: each with its own policy. */
class Servers {
  readonly place = new PeerPlace();
  readonly policies = new Map<string, Policy>();
  readonly forwardings = new Map<string, Forwarding>();
  readonly dispatches = new Map<string, PeerDispatch>();
  /** Who leads, and who is thought to. */
  leading: string | null = 'one';
  known: string | null = 'one';
  served = 0;
  /** What the leader's newest client has said. */
  heard = '';
  last: ExecSession | undefined;
  private ids = 0;

  static async start(writers: readonly string[]): Promise<Servers> {
    const servers = new Servers();
    for (const name of ['one', 'two', 'three', 'stranger']) await servers.add(name, writers);
    return servers;
  }

  private async add(name: string, writers: readonly string[]): Promise<void> {
    this.policies.set(name, policyOf(writers));
    const dispatch = new PeerDispatch(openMemoryPeers({ place: this.place, self: name, timeoutMs: 300 }));
    this.dispatches.set(name, dispatch);
    const policy = (): Policy => this.policies.get(name) as Policy; // set above
    const lead = async (): Promise<void> => {
      if (this.leading !== name) throw new KvError('NOT_LEADER', 'this Stargate is standing by and takes no pushes');
    };
    const serve = async (session: ExecSession): Promise<number> => {
      await lead();
      this.served++;
      this.last = session;
      return converse(session, (heard) => {
        this.heard = heard;
      });
    };
    const none = undefined as never; // what fetches need, and nothing here does
    const compact = { name: 'compact', role: 'admin' as const, run: async () => ({ by: name }) };
    const routes = { services: none, store: none, push: serve, intents: serve, verbs: [compact], limits: none, bounds: none };
    const leader = () => this.known;
    const state = {
      applied: { members: ['one', 'two', 'three'] },
      get leader() {
        return leader();
      },
    };
    const forwarding = openForwarding({
      ...{ dispatch, repository: 'kv', route: routeCommands(routes), policy, leads: () => this.leading === name, log: SILENT },
      ...{ member: { state } as never, requireLeading: lead, pauseMs: 2 }, // of a member, this is all that is looked at
      newId: () => `01J${String(++this.ids).padStart(23, '0')}`,
    });
    this.forwardings.set(name, forwarding);
    await dispatch.start();
  }

  /** A client that has come to a server with a key that its policy knows. */
  come(person: string, to: string, command: SshCommand = PUSH): Client & { readonly status: Promise<number> } {
    const policy = this.policies.get(to) as Policy;
    const pusher = people.pusher(person, policy);
    if (pusher === null) throw new Error(`${to} does not let ${person} in`);
    const client = clientOf(person, pusher);
    const forwarding = this.forwardings.get(to) as Forwarding;
    return Object.assign(client, { status: forwarding.route(command, pusher).serve(client.session) });
  }

  async stop(): Promise<void> {
    for (const forwarding of this.forwardings.values()) forwarding.close();
    for (const { transport } of this.dispatches.values()) await transport.close();
  }
}

describe('a command that a standby hands on', () => {
  let servers: Servers;
  beforeEach(async () => {
    servers = await Servers.start(['ada', 'bob']);
  });
  afterEach(() => servers.stop());
  const rejection = ({ said }: Client): KvError | undefined => parseRejection(said);

  it('is served by the leader as one that came there, in both directions at a time', async () => {
    const client = servers.come('bob', 'two');
    await until('the leader greets', () => client.heard() === 'hello bob\n');
    client.input.write('some');
    client.input.write(' words.');
    expect(await client.status).to.equal(7); // though the client has not ended its side
    expect(client.heard()).to.equal('hello bob\nSOME WORDS.');
    expect(client.said).to.equal('a word\n');
    expect(servers.last?.remote).to.equal('127.0.0.1:5 by two');
    const stream = servers.come('ada', 'three', { kind: 'intents', path: 'kv' });
    stream.input.end('x'.repeat(3_000_000));
    expect(await stream.status).to.equal(7);
    expect(stream.heard()).to.equal(`hello ada\n${'X'.repeat(3_000_000)}`);
    const compacted = servers.come('ada', 'two', { kind: 'admin', path: 'kv', verb: 'compact', args: [] });
    compacted.input.end();
    expect(await compacted.status).to.equal(0);
    expect(compacted.heard()).to.equal('{"by":"one"}\n');
  });

  it('is judged by the policy of the leader alone: whose key it is, what it may, whether standbys hand on at all', async () => {
    servers.policies.set('one', policyOf(['ada']));
    const stranger = servers.come('bob', 'two');
    expect(await stranger.status).to.equal(REFUSED);
    expect(rejection(stranger)?.code).to.equal('POLICY_VIOLATION');
    servers.policies.set('two', policyOf(['bob', 'ada']));
    servers.policies.set('one', policyOf(['ada', 'bob']));
    const noAdmin = servers.come('bob', 'two', { kind: 'admin', path: 'kv', verb: 'compact', args: [] });
    expect(await noAdmin.status).to.not.equal(0);
    expect(rejection(noAdmin)?.code).to.equal('POLICY_VIOLATION');
    const revoked = servers.come('bob', 'two');
    await until('the leader greets', () => revoked.heard() !== '');
    servers.policies.set('one', policyOf(['ada']));
    revoked.input.write('.');
    expect(await revoked.status).to.equal(REFUSED);
    expect(rejection(revoked)?.code).to.equal('POLICY_VIOLATION');
    expect(servers.served).to.equal(1);
    servers.policies.set('one', policyOf(['ada', 'bob'], 'refuse'));
    const unwanted = servers.come('ada', 'two');
    expect(await unwanted.status).to.equal(REFUSED);
    expect(rejection(unwanted)?.code).to.equal('NOT_LEADER');
    servers.policies.set('two', policyOf(['ada', 'bob'], 'refuse'));
    const refused = await refusal(servers.come('ada', 'two').status);
    expect(refused.code).to.equal('NOT_LEADER');
    expect(servers.served).to.equal(1);
  });

  it('is taken from members of the cluster alone, one piece after the other, and named once', async () => {
    const ask = (from: string, asked: object) =>
      servers.dispatches.get(from)?.transport.call('one', {
        ...{ topic: TOPICS.forward, repository: 'kv' },
        body: encodeFrame(asked as never), // whatever it is, it is what another server says
      }) ?? Promise.reject(new Error('no such server'));
    const id = '01J00000000000000000000000';
    const who = { fingerprint: fingerprint('ada'), remote: 'x', request: 'r', gitProtocol: null };
    const open = { op: 'open', id, command: PUSH, ...who };
    expect((await refusal(ask('stranger', open))).code).to.equal('POLICY_VIOLATION');
    expect((await refusal(ask('two', { op: 'output', id, seq: 0 }))).code).to.equal('NOT_FOUND');
    await ask('two', open);
    expect((await refusal(ask('two', open))).details).to.include({ reason: 'replayed' });
    expect((await refusal(ask('three', { op: 'input', id, seq: 0, end: 0 }))).code).to.equal('NOT_FOUND'); // it is another's
    await ask('two', { op: 'input', id, seq: 0, end: 0 });
    expect((await refusal(ask('two', { op: 'input', id, seq: 0, end: 0 }))).code).to.equal('PEER_REFUSED');
    expect(servers.served).to.equal(1);
    const odd: readonly object[] = [
      { ...open, id: 'short' },
      { ...open, command: { kind: 'git', service: 'git-upload-pack', path: 'kv' } },
      { ...open, command: { kind: 'admin', path: 'kv', verb: '../x', args: [] } },
      { ...open, command: { kind: 'admin', path: 'kv', verb: 'sync', args: [1] } },
      { ...open, fingerprint: 'SHA256:short' },
      { ...open, remote: 'a\nb' },
      { ...open, gitProtocol: '\u001b[2J' },
      { op: 'other', id },
    ];
    for (const asked of odd) expect(() => decodeAsked(encodeFrame(asked as never)), JSON.stringify(asked)).to.throw(KvError);
    expect(() => decodeAsked(new Uint8Array(100_000))).to.throw(KvError);
  });

  it('is taken for no key that nobody has, for no repository that is not served, and handed on by nobody to whom it was handed', async () => {
    const ask = (from: string, to: string, asked: object, repository = 'kv') =>
      servers.dispatches.get(from)?.transport.call(to, {
        ...{ topic: TOPICS.forward, repository },
        body: encodeFrame(asked as never), // whatever it is, it is what another server says
      }) ?? Promise.reject(new Error('no such server'));
    const said: string[] = [];
    servers.place.weather = (from, to) => {
      said.push(`${from}>${to}`);
      return 0;
    };
    const id = '01J00000000000000000000000';
    const open = { op: 'open', id, command: PUSH, fingerprint: fingerprint('ada'), remote: 'x', request: 'r', gitProtocol: null };
    const forged = `SHA256:${'A'.repeat(43)}`;
    expect((await refusal(ask('two', 'one', { ...open, fingerprint: forged }))).code).to.equal('POLICY_VIOLATION');
    expect((await refusal(ask('two', 'one', { op: 'output', id, seq: 0 }))).code).to.equal('NOT_FOUND'); // nothing is left of it
    for (const repository of ['other', 'kv2', 'kv/../kv', ''])
      expect((await refusal(ask('two', 'one', open, repository))).code, repository).to.equal('NOT_FOUND');
    said.length = 0;
    servers.known = 'two'; // three believes so, and is asked by two
    expect((await refusal(ask('two', 'three', open))).code).to.equal('NOT_LEADER');
    expect(said).to.deep.equal(['two>three']);
    expect(servers.served).to.equal(0);
  });

  it('finds whoever leads by now, and is refused where nobody does: nobody hands on what was handed on', async () => {
    servers.known = 'three'; // which has lost the lease
    const client = servers.come('ada', 'two');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(client.heard()).to.equal('');
    servers.known = 'one';
    client.input.end('.');
    expect(await client.status).to.equal(7);
    servers.leading = null;
    servers.known = 'three';
    const nobody = servers.come('ada', 'two');
    expect(await nobody.status).to.equal(REFUSED);
    expect(rejection(nobody)?.code).to.equal('NOT_LEADER');
    expect(servers.served).to.equal(1);
  });

  it('says whether anything may have come of it, where the way to the leader breaks off', async () => {
    const lose = () => servers.dispatches.get('one')?.transport.close();
    const early = servers.come('ada', 'two');
    await until('the leader greets', () => early.heard() !== '');
    await lose();
    expect(await early.status).to.equal(REFUSED);
    expect(rejection(early)).to.deep.include({ code: 'IO_ERROR', details: { sent: 'nothing' } });
    await servers.stop();
    servers = await Servers.start(['ada', 'bob']);
    const late = servers.come('ada', 'two');
    await until('the leader greets', () => late.heard() !== '');
    late.input.write('half');
    await until('the leader hears it', () => servers.heard === 'half');
    await lose();
    expect(await late.status).to.equal(REFUSED);
    expect(rejection(late)).to.deep.include({ code: 'IO_ERROR', details: { sent: 'all' } });
  });

  it('ends at the leader when its client leaves', async () => {
    const client = servers.come('ada', 'two');
    await until('the leader greets', () => client.heard() !== '');
    client.leave();
    await client.status;
    await until('the leader knows', () => servers.last?.gone.aborted === true);
  });
});

import { connect, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { encodePkt, FLUSH_PKT } from '../../ports/grammar/git-words/pkt-line.js';
import type { Seeded } from './seeded.js';

/** Where a Stargate listens, and a key that may push. */
export interface Target {
  readonly ssh: number;
  readonly http: number;
  /** Its private key. */
  readonly key: Buffer;
  /** A commit that it has, and where its namespace stands. */
  readonly tip: string;
}

/** Sends one malformed thing; gives what was sent, for people. Ends soon, whatever the other side does. */
export type FuzzCase = (random: Seeded, target: Target) => Promise<string>;

/** How long a case waits for an answer, ms: that there is none is an answer too. */
const PATIENCE = 400;

/** By name. */
export const CASES: Readonly<Record<string, FuzzCase>> = {
  'raw bytes': async (random, { ssh }) => {
    const banner = random.pick(['SSH-2.0-x\r\n', 'SSH-2.0-OpenSSH_9.6\r\n', 'SSH-1.5-x\r\n', '', 'GET / HTTP/1.1\r\n\r\n']);
    const rest = random.pick([() => random.bytes(random.int(3000)), () => packet(random, random.bytes(random.int(300)))])();
    return send(ssh, Buffer.concat([random.spoil(Buffer.from(banner), random.int(2)), rest]));
  },
  'packets before the keys': async (random, { ssh }) => {
    const packets = Array.from({ length: 1 + random.int(5) }, () => packet(random, payload(random)));
    return send(ssh, Buffer.concat([Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'), ...packets]));
  },
  'packets of a login': async (random, target) => {
    const packets = Array.from({ length: 1 + random.int(6) }, () => payload(random));
    return withClient(target, async (client) => {
      for (const one of packets) raw(client, one);
      await pause(PATIENCE / 4);
      return packets.map((one) => one.toString('hex')).join(' ');
    });
  },
  'a command': async (random, target) => {
    const known: [string, ...string[]] = [
      "git-receive-pack '/kv.git'",
      "git-upload-pack '/kv.git'",
      "git-upload-archive '/kv.git'",
      "git-kv-admin '/kv.git' status",
      "git-kv-admin '/kv.git' sync --ns main --dry-run",
      "git-kv-admin '/kv.git' compact main --epoch x",
    ];
    const line = random.spoil(Buffer.from(random.pick(known)), random.int(4)).toString('utf8');
    return withClient(target, (client) => exec(client, line, random.spoil(Buffer.from('0000'), random.int(3))));
  },
  'a push': async (random, target) => {
    const whole = push(random, target);
    return withClient(target, (client) => exec(client, "git-receive-pack '/kv.git'", random.spoil(whole, random.int(4))));
  },
  'a fetch': async (random, target) => {
    const lines = [
      'command=ls-refs',
      'command=fetch',
      'peel',
      'ref-prefix refs/kv',
      `want ${target.tip}`,
      `have ${target.tip}`,
      'done',
      'deepen 1',
    ];
    const said = Array.from({ length: random.int(12) }, () => encodePkt(random.pick(lines as [string, ...string[]])));
    const marks = Array.from({ length: random.int(3) }, () => Buffer.from(random.pick(['0000', '0001', '0002', '0003'])));
    const input = random.spoil(Buffer.concat([...said, ...marks, FLUSH_PKT]), random.int(4));
    return withClient(target, (client) =>
      exec(client, "git-upload-pack '/kv.git'", input, random.pick(['version=2', 'version=1', 'x'])),
    );
  },
  HTTP: async (random, { http }) => {
    const path = random.pick([
      '/healthz',
      '/readyz?mirror',
      '/metrics',
      '/',
      '/%00',
      `/${'a'.repeat(random.int(9000))}`,
      '/../../etc/passwd',
    ]);
    const head = `${random.pick(['GET', 'POST', 'HEAD', 'PRI', 'CONNECT'])} ${path} HTTP/1.${random.int(3)}\r\n`;
    const headers = random.pick([
      'Host: x\r\n',
      '',
      'Host: x\r\nContent-Length: 99999999999\r\n',
      'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n',
      'Expect: 100-continue\r\nHost: x\r\n',
    ]);
    return send(
      http,
      random.spoil(Buffer.from(`${head}${headers}\r\n${random.int(2) === 0 ? '' : 'ffff\r\nabc'}`), random.int(5)),
    );
  },
};

/** A push that might be one: commands with known ids, and a pack that is none, or an empty one. */
function push(random: Seeded, { tip }: Target): Buffer {
  const zero = '0'.repeat(tip.length);
  const oid = (): string => random.pick([tip, zero, tip.replace(/./, 'f'), random.bytes(tip.length / 2).toString('hex')]);
  const refs: [string, ...string[]] = [
    'refs/kv/main',
    'refs/kv-index/main',
    'refs/heads/fuzz',
    'refs/tags/fuzz',
    'refs/kv-watchlog/main@x',
    'HEAD',
  ];
  const lines = Array.from({ length: 1 + random.int(4) }, (_, i) =>
    encodePkt(
      `${oid()} ${oid()} ${random.pick(refs)}${i === 0 ? '\0report-status side-band-64k atomic object-format=sha1' : ''}`,
    ),
  );
  const header = Buffer.from([0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0, 0, 0, random.int(3)]);
  return Buffer.concat([...lines, FLUSH_PKT, header, random.bytes(random.int(200))]);
}

/** A payload of the protocol: a message's number, and what may or may not be its fields. */
function payload(random: Seeded): Buffer {
  const number = random.pick([
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    20,
    21,
    30,
    31,
    50,
    51,
    52,
    60,
    61,
    80,
    81,
    82,
    90,
    91,
    92,
    93,
    94,
    95,
    96,
    97,
    98,
    99,
    100,
    random.int(256),
  ]);
  const fields = Array.from({ length: random.int(6) }, () =>
    random.pick<() => Buffer>([
      () =>
        text(
          random.pick([
            'session',
            'exec',
            'env',
            'ssh-userauth',
            'publickey',
            'git',
            'shell',
            'pty-req',
            'keepalive@openssh.com',
            'tcpip-forward',
            '',
          ]),
        ),
      () => uint32(random.pick([0, 1, 2, 0x7fffffff, 0xffffffff, random.int(2 ** 31)])),
      () => Buffer.of(random.int(2)),
      () => text(random.bytes(random.int(60)).toString('latin1')),
      () => random.bytes(random.int(20)),
    ])(),
  );
  return Buffer.concat([Buffer.of(number), ...fields]);
}

/** In a packet as it goes before there are keys (RFC 4253, section 6), its lengths right or not. */
function packet(random: Seeded, body: Buffer): Buffer {
  const padding = 8 - ((body.length + 5) % 8) + 8;
  const length = random.int(5) === 0 ? random.pick([0, 1, 0xffffffff, 0x7fffffff, body.length]) : body.length + padding + 1;
  return Buffer.concat([uint32(length), Buffer.of(random.int(9) === 0 ? 255 : padding), body, Buffer.alloc(padding)]);
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

const text = (value: string): Buffer => Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value)]);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends bytes over a connection of their own, and waits until the other side ends it, or has had its time. */
async function send(port: number, bytes: Buffer): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // to be thrown out is what is asked for
  socket.resume();
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.end(bytes);
  await Promise.race([over, pause(PATIENCE)]);
  socket.destroy();
  return bytes.toString('latin1').slice(0, 2000);
}

/** A connection that has proved the key; what is done over it ends with it. */
async function withClient(target: Target, work: (client: ssh2.Client) => Promise<string>): Promise<string> {
  const client = new ssh2.Client();
  client.on('error', () => undefined); // to be thrown out is what is asked for
  const over = new Promise<false>((resolve) => client.once('close', () => resolve(false)));
  const ready = new Promise<true>((resolve) => client.once('ready', () => resolve(true)));
  client.connect({ host: '127.0.0.1', port: target.ssh, username: 'git', privateKey: target.key, readyTimeout: 10_000 });
  try {
    return (await Promise.race([ready, over])) ? await Promise.race([work(client), over.then(() => 'thrown out')]) : 'not let in';
  } finally {
    client.end();
    client.destroy();
  }
}

/** Runs a command with an input, and waits until it has ended, or has had its time. */
function exec(client: ssh2.Client, line: string, input: Buffer, protocol?: string): Promise<string> {
  const said = `${JSON.stringify(line)} ${input.toString('latin1').slice(0, 2000)}`;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(said), PATIENCE);
    const done = (): void => {
      clearTimeout(timer);
      resolve(said);
    };
    const env = protocol === undefined ? {} : { env: { GIT_PROTOCOL: protocol } };
    client.exec(line, env, (error, channel) => {
      if (error !== undefined) return done();
      channel.on('error', () => undefined).once('close', done);
      channel.resume();
      channel.stderr.resume();
      channel.end(input);
    });
  });
}

/** Sends a payload through the connection's own keys. ssh2 has no door for that: its cipher is taken by its name. */
function raw(client: ssh2.Client, body: Buffer): void {
  const { _protocol: protocol } = client as unknown as {
    _protocol?: { _cipher: { allocPacket(size: number): Buffer; encrypt(packet: Buffer): void } };
  };
  if (protocol === undefined) return;
  try {
    const whole = protocol._cipher.allocPacket(body.length);
    whole.set(body, 5);
    protocol._cipher.encrypt(whole);
  } catch {
    // the connection has been ended by what was sent before
  }
}

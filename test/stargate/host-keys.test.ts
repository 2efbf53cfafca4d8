import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import ssh2 from 'ssh2';
import { acceptAuth } from '../../apps/stargate/ssh/auth.js';
import { HOST_KEY_KINDS, type HostKey, type HostKeyKind, keyFile, readKey } from '../../apps/stargate/host-key/key-files.js';
import { CLIENT_SIGNATURES } from '../../apps/stargate/ssh/protocol/signature-algorithms.js';
import { makeKey } from '../support/keys.js';
import type { Ran } from '../support/programs/processes.js';
import { rig, type Rig } from '../support/worlds/rig.js';
import { HOST_KEYS } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { until } from '../support/until.js';

/** The algorithms by which a client may know each of the Stargate's host keys. */
const ALGORITHMS: readonly (readonly [algorithm: string, kind: HostKeyKind])[] = [
  ['ssh-ed25519', 'ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa'],
  ['rsa-sha2-256', 'rsa'],
  ['rsa-sha2-512', 'rsa'],
];
const lineOf = ({ type, blob }: HostKey): string => `${type} ${blob.toString('base64')}`;

describe('stargate: host keys and RSA over SSH', () => {
  let r: Rig;
  let keys: Record<HostKeyKind, HostKey>;
  let next: HostKey;
  let files: Sandbox;

  before(async () => {
    const read = async (kind: HostKeyKind, file: string): Promise<HostKey> => {
      const key = await readKey(kind, file);
      if (key === null) throw new Error(`there is no ${file}`);
      return key;
    };
    const [ed25519, ecdsa, rsa] = await Promise.all(HOST_KEY_KINDS.map((kind) => read(kind, keyFile(HOST_KEYS, kind))));
    keys = { ed25519, ecdsa, rsa } as Record<HostKeyKind, HostKey>;
    files = new Sandbox();
    next = await read('ed25519', files.key('next'));
    // A person with an RSA key: any will do, and to make one takes seconds.
    const writer = files.path('rsa');
    await writeFile(writer, await readFile(keyFile(HOST_KEYS, 'rsa')), { mode: 0o600 });
    await writeFile(`${writer}.pub`, `${lineOf(keys.rsa)} writer\n`);
    r = await rig({ hostKeys: { inUse: Object.values(keys), next: [next] }, writer });
  });
  after(async () => {
    await r.close();
    files.remove();
  });

  /** Runs the `echo` verb with OpenSSH, as a client that knows what its known_hosts has. */
  const echo = (knownHosts: string, ...options: string[]): Promise<Ran> => {
    const own = [...['-F', '/dev/null', '-i', r.keys.writer], ...['-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none']];
    const checked = ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${knownHosts}`];
    const args = [...own, ...checked, ...options.flatMap((option) => ['-o', option]), '-p', String(r.ssh.port), 'git@127.0.0.1'];
    return r.sandbox.exec('ssh', ['-v', ...args, "git-kv-admin 'shop' echo"]);
  };
  const knowing = async (...known: HostKey[]): Promise<string> => {
    const file = r.sandbox.path(`known-${Math.random()}`);
    await writeFile(file, known.map((key) => `[127.0.0.1]:${r.ssh.port} ${lineOf(key)}\n`).join(''));
    return file;
  };

  for (const [algorithm, kind] of ALGORITHMS) {
    it(`serves a client that knows the ${kind} key, by ${algorithm}`, async () => {
      const { code, stdout, stderr } = await echo(await knowing(keys[kind]), `HostKeyAlgorithms=${algorithm}`);
      expect([code, stdout.trim()], stderr).to.deep.equal([0, '[]']);
      expect(stderr).to.contain(`host key algorithm: ${algorithm}`);
    });
  }

  it('signs by SHA-1 for nobody', async () => {
    const { code, stderr } = await echo(await knowing(keys.rsa), 'HostKeyAlgorithms=ssh-rsa');
    expect(code).to.equal(255);
    expect(stderr).to.match(/no matching host key type found. Their offer: \S*rsa-sha2-512,rsa-sha2-256/);
  });

  for (const [algorithm, kind] of ALGORITHMS) {
    it(`proves all its keys, the next ones too, to OpenSSH that knows one by ${algorithm}`, async () => {
      const known = await knowing(keys[kind]);
      const { stderr } = await echo(
        known,
        `HostKeyAlgorithms=${algorithm},ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512`,
        'UpdateHostKeys=yes',
      );
      const all = [...Object.values(keys), next].map((key) => `[127.0.0.1]:${r.ssh.port} ${lineOf(key)}`);
      const text = await readFile(known, 'utf8');
      expect(text.trim().split('\n'), stderr).to.have.members(all);
    });
  }

  it('tells each signature algorithm that it takes, and takes an RSA key by either SHA-2 and not by SHA-1', async () => {
    const known = await knowing(keys.ed25519);
    const { stderr } = await echo(known);
    expect(stderr).to.contain(`server-sig-algs=<${CLIENT_SIGNATURES.join(',')}>`);
    for (const [algorithm, expected] of [
      ['rsa-sha2-256', 0],
      ['rsa-sha2-512', 0],
      ['ssh-rsa', 255],
    ] as const) {
      const ran = await echo(known, `PubkeyAcceptedAlgorithms=${algorithm}`);
      expect(ran.code, `${algorithm}: ${ran.stderr}`).to.equal(expected);
    }
  });

  it('answers whether a key would do by the algorithm that was asked about', () => {
    for (const [hashAlgo, algo] of [
      ['sha256', 'rsa-sha2-256'],
      ['sha512', 'rsa-sha2-512'],
    ]) {
      const context = { method: 'publickey', hashAlgo, key: { algo: 'ssh-rsa' }, accept: () => undefined };
      acceptAuth(context as never); // what it looks at is all there
      expect(context.key.algo).to.equal(algo);
    }
  });

  it('proves nothing for a key that is not its own, and not without end', async () => {
    const client = new ssh2.Client();
    // Vendors besides OpenSSH may have the extension too.
    client.connect({
      host: '127.0.0.1',
      port: r.ssh.port,
      username: 'git',
      privateKey: await readFile(r.keys.writer),
      strictVendor: false,
    });
    const learnt: unknown[] = [];
    client.on('hostkeys', (found) => learnt.push(found));
    await once(client, 'ready');
    await until('ssh2 has the keys proved too', () => learnt.length === 1);
    expect((learnt[0] as { getPublicSSH(): Buffer }[]).map((key) => key.getPublicSSH().toString('base64'))).to.deep.equal(
      [...Object.values(keys), next].map(({ blob }) => blob.toString('base64')),
    );
    const prove = (file: string): Promise<boolean> =>
      new Promise((resolve) => {
        const inner = client as unknown as {
          _callbacks: ((failed: boolean | Error) => void)[];
          _protocol: { openssh_hostKeysProve(keys: unknown[]): void };
        };
        inner._callbacks.push((failed) => resolve(failed === false));
        inner._protocol.openssh_hostKeysProve([ssh2.utils.parseKey(file)]);
      });
    makeKey(files.path('foreign'), 'foreign');
    expect(await prove(await readFile(files.path('foreign'), 'utf8'))).to.equal(false);
    const own = await readFile(keyFile(HOST_KEYS, 'ecdsa'), 'utf8');
    const answers: boolean[] = [];
    for (let asked = 0; asked < 4; asked++) answers.push(await prove(own));
    expect(answers).to.deep.equal([true, true, false, false]);
    client.end();
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { signatureVerifier } from '../../adapters/signature-verifier/verifier.js';
import { gitSigner } from '../../adapters/signer-git/git-signer.js';
import { signingFailed } from '../../adapters/signer-git/program.js';
import type { ErrorCode } from '../../ports/error.js';
import type { TrustedKey } from '../../ports/clone/signer.js';
import { signerContract } from '../contracts/signer.js';
import { failure } from '../support/failure.js';
import { Sandbox } from '../support/worlds/sandbox.js';

const PAYLOAD = Buffer.from('tree 0\n\na commit\n');

signerContract('signer-git, ssh', async () => {
  const sandbox = new Sandbox();
  const key = sandbox.path('id_ed25519');
  sandbox.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@here', '-f', key]);
  writeFileSync(sandbox.path('signers'), `me ${readFileSync(`${key}.pub`, 'utf8')}`);
  const ssh = { 'gpg.format': 'ssh', 'user.signingkey': `${key}.pub` };
  const signer = (settings: Record<string, string>) => gitSigner({ config: { get: (name) => settings[name] }, env: sandbox.env });
  return {
    signer: signer({ 'user.signingkey': `${key}.pub` }), // gpg.format is told by the key
    unconfigured: signer({ 'gpg.format': 'ssh' }),
    broken: signer({ ...ssh, 'gpg.ssh.program': sandbox.path('absent') }),
    async accepts(payload, signature) {
      writeFileSync(sandbox.path('signature'), signature);
      const files = ['-f', sandbox.path('signers'), '-s', sandbox.path('signature')];
      const env = sandbox.env as NodeJS.ProcessEnv;
      return spawnSync('ssh-keygen', ['-Y', 'verify', '-n', 'git', '-I', 'me', ...files], { env, input: payload }).status === 0;
    },
    dispose: async () => sandbox.remove(),
  };
});

describe('the public key that Git signs with', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEYIkO+3jZKDtKN6s0CUlPCY2vkT4PpVxmh2fvgYZVi2 ada';
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  const own = async (signingKey: string, settings: Readonly<Record<string, string>> = { 'gpg.format': 'ssh' }) => {
    const all: Readonly<Record<string, string>> = { ...settings, 'user.signingkey': signingKey };
    return gitSigner({ config: { get: (name) => all[name] }, env: sandbox.env }).publicKey?.();
  };

  it('is named by itself or by its file', async () => {
    const file = sandbox.path('id');
    writeFileSync(`${file}.pub`, `${KEY}\n`);
    for (const named of [KEY, `key::${KEY}`, `${file}.pub`, file]) expect(await own(named), named).to.equal(KEY);
    expect(await own(`${file}.pub`, {}), 'gpg.format is told by the key').to.equal(KEY);
  });

  it('is not told where it is none that a policy could list, or another program signs', async () => {
    const bad = [KEY.replace('A', '!'), KEY.replace('YZVi2', ''), KEY.replaceAll('ssh-ed25519', 'ssh-dss'), '/nowhere', ''];
    for (const one of bad) expect(await own(one), one).to.equal(null);
    expect(await own(KEY, { 'gpg.format': 'openpgp' })).to.equal(null);
  });
});

describe('a signing program that fails', () => {
  it('is quoted with its last words, unless the key was left out since others may read it', () => {
    const plain = signingFailed('ssh-keygen', 'one\nNo such file\n', 'check it');
    expect([plain.message, plain.hint]).to.deep.equal(["'ssh-keygen' did not sign: No such file", 'check it']);
    const open =
      '@@@\nPermissions 0644 for \'/home/ada/key\' are too open.\nIt is required\nNo private key found for "/home/ada/key"\n';
    const left = signingFailed('ssh-keygen', open, 'check it');
    expect(left.message).to.contain("did not sign: Permissions 0644 for '/home/ada/key' are too open");
    expect(left.hint).to.contain('chmod 600 /home/ada/key');
  });
});

describe('OpenPGP signing and verifying', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  const verifier = () => signatureVerifier({ env: sandbox.env });
  const signer = (settings: Record<string, string>, env = sandbox.env) =>
    gitSigner({ config: { get: (key) => settings[key] }, env });
  const refused = (code: ErrorCode, promise: Promise<unknown>) => failure(promise, code);

  const present = spawnSync('gpg', ['--version']).status === 0;

  /** A key in a keyring of its own; gpg's agent must be asked to end. */
  async function withKey(
    name: string,
    use: (env: Sandbox['env'], fingerprint: string, trusted: TrustedKey) => Promise<void>,
  ): Promise<void> {
    const home = sandbox.path(name);
    mkdirSync(home, { mode: 0o700 });
    const env = { ...sandbox.env, GNUPGHOME: home };
    const gpg = (...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync('gpg', ['--batch', ...args], {
        env: env as NodeJS.ProcessEnv,
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(stderr);
      return stdout;
    };
    try {
      gpg('--passphrase', '', '--quick-generate-key', `${name} <${name}@example.com>`, 'ed25519', 'sign', 'never');
      const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys'))?.[1] ?? '';
      await use(env, fingerprint, { kind: 'openpgp', material: gpg('--armor', '--export', fingerprint) });
    } finally {
      spawnSync('gpgconf', ['--kill', 'all'], { env: env as NodeJS.ProcessEnv });
    }
  }

  it('signs with gpg and verifies against the trusted keys alone', async () => {
    if (!present) {
      console.log('      gpg is not installed: OpenPGP is not tested here');
      return;
    }
    await withKey('ann', async (env, fingerprint, ann) => {
      const signature = await signer({ 'user.signingkey': fingerprint }, env).sign(PAYLOAD);
      const one = verifier();
      expect(await one.verify(PAYLOAD, signature, [ann])).to.deep.equal({ kind: 'openpgp', id: fingerprint });
      expect((await one.verify(PAYLOAD, signature, [ann, ann])).id).to.equal(fingerprint);
      await refused('SIGNATURE_INVALID', one.verify(Buffer.from('other'), signature, [ann]));
      await refused('SIGNER_UNKNOWN', one.verify(PAYLOAD, signature, []));
      await refused(
        'SIGNATURE_INVALID',
        one.verify(PAYLOAD, '-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n', [ann]),
      );
      await refused('CONFIG_INVALID', one.verify(PAYLOAD, signature, [{ kind: 'openpgp', material: 'nonsense' }]));
      const none = signatureVerifier({ env: { ...sandbox.env, PATH: sandbox.folder } });
      await refused('NOT_SUPPORTED', none.verify(PAYLOAD, signature, [ann]));
      await withKey('bob', async (_env, _fingerprint, bob) => {
        await refused('SIGNER_UNKNOWN', one.verify(PAYLOAD, signature, [bob]));
        expect((await one.verify(PAYLOAD, signature, [bob, ann])).id).to.equal(fingerprint);
      });
    });
  });

  it('fails where there is no gpg to sign with', async () => {
    await refused('IO_ERROR', signer({ 'user.signingkey': 'x' }, { ...sandbox.env, PATH: sandbox.folder }).sign(PAYLOAD));
  });
});

import { expect } from 'chai';
import { createHash, generateKeyPairSync, sign as cryptoSign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { openCloneConfig } from '../../adapters/git-cli/config/clone-config.js';
import { signatureVerifier } from '../../adapters/signature-verifier/verifier.js';
import { sshString } from '../../adapters/signature-verifier/ssh-wire.js';
import { gitSigner } from '../../adapters/signer-git/git-signer.js';
import type { KvError } from '../../ports/error.js';
import type { ErrorCode } from '../../ports/error.js';
import { signatureVerifierContract } from '../contracts/signature-verifier.js';
import { failure } from '../support/failure.js';
import { Sandbox } from '../support/worlds/sandbox.js';

const PAYLOAD = Buffer.from('tree 0\n\na commit\n');

signatureVerifierContract('signature-verifier', async () => {
  const sandbox = new Sandbox();
  const gpg = spawnSync('gpg', ['--version']).status === 0;
  return {
    verifier: signatureVerifier({ env: sandbox.env }),
    kinds: gpg ? ['ssh', 'openpgp'] : ['ssh'],
    dispose: async () => sandbox.remove(),
  };
});

signatureVerifierContract('signature-verifier without gpg', async () => {
  const sandbox = new Sandbox();
  return {
    verifier: signatureVerifier({ env: { ...sandbox.env, PATH: sandbox.folder } }),
    kinds: ['ssh'],
    dispose: async () => sandbox.remove(),
  };
});

describe('signing and verifying', () => {
  let sandbox: Sandbox;
  beforeEach(() => (sandbox = new Sandbox()));
  afterEach(() => sandbox.remove());

  const verifier = () => signatureVerifier({ env: sandbox.env });
  const signer = (settings: Record<string, string>, env = sandbox.env) =>
    gitSigner({ config: { get: (key) => settings[key] }, env });

  const refused = (code: ErrorCode, promise: Promise<unknown>): Promise<KvError> => failure(promise, code);

  function keyPair(type: string, bits?: number): { path: string; id: string } {
    const path = sandbox.path(`id_${type}${bits ?? ''}`);
    sandbox.run('ssh-keygen', [
      '-q',
      '-t',
      type,
      ...(bits === undefined ? [] : ['-b', String(bits)]),
      '-N',
      '',
      '-C',
      'me@here',
      '-f',
      path,
    ]);
    return { path, id: readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ') };
  }

  function keygenSign(path: string, payload: Buffer, namespace = 'git', ...more: string[]): string {
    return sandbox.run('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', path, ...more], payload).toString();
  }

  function armour(bytes: Buffer): string {
    return `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END SSH SIGNATURE-----\n`;
  }
  const dearmour = (text: string): Buffer => Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');

  for (const [type, bits] of [['ed25519'], ['ecdsa', 256], ['ecdsa', 384], ['ecdsa', 521], ['rsa', 3072]] as [
    string,
    number?,
  ][]) {
    describe(`SSH, ${type} ${bits ?? ''}`, () => {
      it("accepts ssh-keygen's signature, with either hash, and no other payload", async () => {
        const { path, id } = keyPair(type, bits);
        for (const hash of ['sha256', 'sha512']) {
          const signature = keygenSign(path, PAYLOAD, 'git', '-O', `hashalg=${hash}`);
          expect(await verifier().verify(PAYLOAD, signature, [])).to.deep.equal({ kind: 'ssh', id });
          await refused('SIGNATURE_INVALID', verifier().verify(Buffer.concat([PAYLOAD, Buffer.from(' ')]), signature, []));
        }
        const error = await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, keygenSign(path, PAYLOAD, 'file'), []));
        expect(error.message).to.include("'file'");
      });

      it('accepts no signature with a flipped bit, a cut end or more bytes', async () => {
        const { path, id } = keyPair(type, bits);
        const good = dearmour(keygenSign(path, PAYLOAD));
        expect((await verifier().verify(PAYLOAD, armour(good), [])).id).to.equal(id);
        for (let at = 0; at < good.length; at++) {
          const bad = Buffer.from(good);
          bad[at] = (bad[at] as number) ^ (1 << (at % 8));
          await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, armour(bad), []));
        }
        for (const bad of [good.subarray(0, -1), Buffer.concat([good, Buffer.alloc(1)]), Buffer.alloc(0), good.subarray(0, 9)]) {
          await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, armour(bad), []));
        }
      });

      it('signs as git does, so that ssh-keygen accepts it', async () => {
        const { path, id } = keyPair(type, bits);
        const signature = await signer({ 'gpg.format': 'ssh', 'user.signingkey': `${path}.pub` }).sign(PAYLOAD);
        expect((await verifier().verify(PAYLOAD, signature, [])).id).to.equal(id);
        writeFileSync(sandbox.path('signers'), `me ${id}\n`);
        writeFileSync(sandbox.path('s'), signature);
        const args = ['-Y', 'verify', '-n', 'git', '-I', 'me', '-f', sandbox.path('signers'), '-s', sandbox.path('s')];
        expect(sandbox.run('ssh-keygen', args, PAYLOAD).toString()).to.include('Good "git" signature');
      });
    });
  }

  describe('SSH', () => {
    const sshsig = (
      key: Buffer,
      signature: Buffer,
      parts: { hash?: string; reserved?: string; version?: number } = {},
    ): Buffer => {
      const version = Buffer.alloc(4);
      version.writeUInt32BE(parts.version ?? 1);
      const fields = [key, 'git', parts.reserved ?? '', parts.hash ?? 'sha512', signature].map(sshString);
      return Buffer.concat([Buffer.from('SSHSIG'), version, ...fields]);
    };
    const signedBytes = (hash = 'sha512'): Buffer =>
      Buffer.concat([Buffer.from('SSHSIG'), ...['git', '', hash, createHash(hash).update(PAYLOAD).digest()].map(sshString)]);
    const strings = (...parts: (string | Buffer)[]): Buffer => Buffer.concat(parts.map((part) => sshString(part)));

    const ed = generateKeyPairSync('ed25519');
    const edPublic = ed.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const edKey = strings('ssh-ed25519', edPublic);
    const edSignature = strings('ssh-ed25519', cryptoSign(null, signedBytes(), ed.privateKey));

    it('accepts the same fields that it refuses when one of them is off', async () => {
      expect((await verifier().verify(PAYLOAD, armour(sshsig(edKey, edSignature)), [])).kind).to.equal('ssh');
      const bad = [
        sshsig(edKey, edSignature, { version: 2 }),
        sshsig(edKey, edSignature, { reserved: 'x' }),
        sshsig(edKey, strings('ssh-ed25519', cryptoSign(null, signedBytes('sha1'), ed.privateKey)), { hash: 'sha1' }),
        sshsig(Buffer.concat([edKey, Buffer.alloc(1)]), edSignature),
        sshsig(edKey, Buffer.concat([edSignature, Buffer.alloc(1)])),
        sshsig(strings('ssh-dss', edPublic), edSignature),
        sshsig(strings('constructor', edPublic), edSignature),
        sshsig(strings('ssh-ed25519', Buffer.alloc(31)), edSignature),
      ];
      for (const each of bad) await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, armour(each), []));
      const text = armour(sshsig(edKey, edSignature));
      for (const each of [
        text.replace('\n', '\n \n'),
        text.replace('END', 'EN'),
        `${text}x`,
        `${text}${text}`,
        text.replaceAll('=', ''),
      ]) {
        await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, each, []));
      }
    });

    it('refuses SHA-1 with an RSA key, short RSA keys and padded numbers', async () => {
      const make = (modulusLength: number, algorithm: string, hash: string, pad = false): string => {
        const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
        const jwk = publicKey.export({ format: 'jwk' });
        const n = Buffer.from(jwk.n as string, 'base64url');
        const padding = Buffer.alloc(pad ? 2 : 1);
        const key = strings('ssh-rsa', Buffer.from(jwk.e as string, 'base64url'), Buffer.concat([padding, n]));
        return armour(sshsig(key, strings(algorithm, cryptoSign(hash, signedBytes(), privateKey))));
      };
      expect((await verifier().verify(PAYLOAD, make(2048, 'rsa-sha2-256', 'sha256'), [])).kind).to.equal('ssh');
      expect((await verifier().verify(PAYLOAD, make(2048, 'rsa-sha2-512', 'sha512'), [])).kind).to.equal('ssh');
      for (const bad of [
        make(2048, 'ssh-rsa', 'sha1'),
        make(2048, 'rsa-sha2-256', 'sha512'),
        make(1024, 'rsa-sha2-512', 'sha512'),
        make(2048, 'rsa-sha2-512', 'sha512', true),
      ]) {
        await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, bad, []));
      }
    });

    const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
    const skMessage = (flags: number): { tail: Buffer; message: Buffer } => {
      const tail = Buffer.from([flags, 0, 0, 0, 7]);
      return { tail, message: Buffer.concat([sha256('ssh:'), tail, sha256(signedBytes())]) };
    };

    it('accepts security keys only when they were touched', async () => {
      const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const jwk = ec.publicKey.export({ format: 'jwk' });
      const point = Buffer.concat([
        Buffer.from([4]),
        Buffer.from(jwk.x as string, 'base64url'),
        Buffer.from(jwk.y as string, 'base64url'),
      ]);
      const mpint = (number: Buffer): Buffer => {
        let at = 0;
        while (number[at] === 0) at++;
        return Buffer.concat([(number[at] as number) >= 0x80 ? Buffer.alloc(1) : Buffer.alloc(0), number.subarray(at)]);
      };
      const edSk = (flags: number): string => {
        const { tail, message } = skMessage(flags);
        const type = 'sk-ssh-ed25519@openssh.com';
        const signature = Buffer.concat([strings(type, cryptoSign(null, message, ed.privateKey)), tail]);
        return armour(sshsig(strings(type, edPublic, 'ssh:'), signature));
      };
      const ecSk = (flags: number): string => {
        const { tail, message } = skMessage(flags);
        const type = 'sk-ecdsa-sha2-nistp256@openssh.com';
        const pair = cryptoSign('sha256', message, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
        const signature = Buffer.concat([strings(type, strings(mpint(pair.subarray(0, 32)), mpint(pair.subarray(32)))), tail]);
        return armour(sshsig(strings(type, 'nistp256', point, 'ssh:'), signature));
      };
      for (const make of [edSk, ecSk]) {
        expect((await verifier().verify(PAYLOAD, make(1), [])).id).to.match(/^sk-/);
        expect((await verifier().verify(PAYLOAD, make(5), [])).id).to.match(/^sk-/);
        await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, make(0), []));
        await refused('SIGNATURE_INVALID', verifier().verify(PAYLOAD, make(4), []));
      }
    });

    it('signs a commit that git itself accepts, with settings from a clone', async () => {
      const { path, id } = keyPair('ed25519');
      const clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', clone]);
      sandbox.git(clone, 'config', 'gpg.format', 'ssh');
      sandbox.git(clone, 'config', 'user.signingKey', path.replace(sandbox.folder, '~'));
      const config = await openCloneConfig({ directory: clone, env: sandbox.env });
      const tree = sandbox.run('git', ['-C', clone, 'mktree']).toString().trim();
      const who = 'A U Thor <author@example.com> 1700000000 +0000';
      const [head, tail] = [`tree ${tree}\nauthor ${who}\ncommitter ${who}\n`, '\nhello\n'];
      const signature = await gitSigner({ config, env: sandbox.env }).sign(Buffer.from(head + tail));
      const body = `${head}gpgsig ${signature.trimEnd().replaceAll('\n', '\n ')}\n${tail}`;
      const oid = sandbox.run('git', ['-C', clone, 'hash-object', '-t', 'commit', '-w', '--stdin'], body).toString().trim();
      writeFileSync(sandbox.path('signers'), `author@example.com ${id}\n`);
      sandbox.git(clone, '-c', `gpg.ssh.allowedSignersFile=${sandbox.path('signers')}`, 'verify-commit', oid);
    });

    it('asks gpg.ssh.defaultKeyCommand, and an agent for a literal key', async () => {
      const { path, id } = keyPair('ed25519');
      const agent = sandbox.run('ssh-agent', ['-s', '-a', sandbox.path('agent')]).toString();
      const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
      try {
        const env = { ...sandbox.env, SSH_AUTH_SOCK: sandbox.path('agent') };
        const added = spawnSync('ssh-add', ['-q', path], { env: env as NodeJS.ProcessEnv });
        expect(added.status).to.equal(0);
        for (const settings of [
          { 'user.signingkey': `key::${id}` },
          { 'user.signingkey': id },
          { 'gpg.ssh.defaultkeycommand': `echo 'key::${id}'` },
        ]) {
          const signature = await signer({ 'gpg.format': 'ssh', ...settings }, env).sign(PAYLOAD);
          expect((await verifier().verify(PAYLOAD, signature, [])).id).to.equal(id);
        }
      } finally {
        process.kill(pid);
      }
    });

    it('says what to configure, and what went wrong', async () => {
      const hint = (await refused('CONFIG_INVALID', signer({ 'gpg.format': 'ssh' }).sign(PAYLOAD))).hint;
      expect(hint).to.include('git config gpg.format ssh').and.include('git config user.signingKey');
      await refused('CONFIG_INVALID', signer({}).sign(PAYLOAD));
      await refused('CONFIG_INVALID', signer({ 'gpg.format': 'pem', 'user.signingkey': 'x' }).sign(PAYLOAD));
      await refused('CONFIG_INVALID', signer({ 'gpg.format': 'ssh', 'gpg.ssh.defaultkeycommand': 'exit 3' }).sign(PAYLOAD));
      await refused('IO_ERROR', signer({ 'gpg.format': 'ssh', 'user.signingkey': sandbox.path('absent') }).sign(PAYLOAD));
    });
  });
});

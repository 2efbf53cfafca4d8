import { expect } from 'chai';
import { signatureVerifier } from '../../adapters/signature-verifier/verifier.js';
import type { TrustedKey } from '../../ports/clone/signer.js';
import { failure } from '../support/failure.js';
import { needs } from '../support/needs/needs.js';
import { Sandbox } from '../support/worlds/sandbox.js';

const PAYLOAD = Buffer.from('tree 0\n\na commit\n');

describe('digests of OpenPGP signatures', () => {
  let sandbox: Sandbox;
  let trusted: TrustedKey[];
  const keys = new Map<string, string>();

  before(function () {
    needs(this, 'gpg');
    sandbox = new Sandbox();
    const gpg = (...args: string[]): string =>
      sandbox.run('gpg', ['--batch', '--quiet', '--passphrase', '', '--pinentry-mode', 'loopback', ...args]).toString();
    gpg('--quick-generate-key', 'Ada <ada@example.org>', 'rsa2048', 'sign', 'never');
    const fingerprints = (): string[] =>
      [...gpg('--list-secret-keys', '--with-colons').matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(([, each = '']) => each);
    const [primary = ''] = fingerprints();
    gpg('--quick-add-key', primary, 'rsa2048', 'sign', 'never');
    const [, subkey = ''] = fingerprints();
    keys.set('a primary key', `${primary}!`).set('a subkey', `${subkey}!`);
    trusted = [{ kind: 'openpgp', material: gpg('--armor', '--export', primary) }];
  });
  after(() => {
    if (sandbox === undefined) return;
    sandbox.run('gpgconf', ['--kill', 'gpg-agent']);
    sandbox.remove();
  });

  const sign = (key: string, digest: string): string =>
    sandbox
      .run('gpg', ['--batch', '--quiet', '--armor', '--digest-algo', digest, '-u', key, '--detach-sign', '-o', '-'], PAYLOAD)
      .toString();
  const verify = (signature: string) => signatureVerifier({ env: sandbox.env }).verify(PAYLOAD, signature, trusted);

  for (const kind of ['a primary key', 'a subkey']) {
    it(`takes SHA-2 from ${kind}, and refuses SHA-1 and RIPEMD-160, which gpg calls good`, async () => {
      const key = keys.get(kind) ?? '';
      for (const digest of ['SHA256', 'SHA512']) expect((await verify(sign(key, digest))).kind).to.equal('openpgp');
      for (const [digest, name] of [
        ['SHA1', 'SHA-1'],
        ['RIPEMD160', 'RIPEMD-160'],
      ] as const) {
        const error = await failure(verify(sign(key, digest)), 'SIGNATURE_INVALID');
        expect(error.message).to.contain(name);
      }
    });
  }

  it('refuses a weak digest before gpg is asked, wherever it stands, and what is no signature packet', async () => {
    const armoured = sign(keys.get('a subkey') ?? '', 'SHA256');
    const bytes = Buffer.from(/\n\n([\s\S]*?)\n=/.exec(armoured)?.[1] ?? '', 'base64');
    const wrap = (...parts: Buffer[]): string =>
      `-----BEGIN PGP SIGNATURE-----\n\n${Buffer.concat(parts).toString('base64')}\n-----END PGP SIGNATURE-----\n`;
    const altered = (at: number, to: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy[at] = to;
      return copy;
    };
    expect((await verify(wrap(bytes))).kind).to.equal('openpgp');
    const digest = 3 + 3; // a header of three bytes, then version, type and algorithm
    expect(bytes[digest]).to.equal(8);
    for (const [says, bad] of [
      ['MD5', [altered(digest, 1)]],
      ['SHA-1', [bytes, altered(digest, 2)]],
      ['digest 99', [altered(digest, 99)]],
      ['something else', [bytes, Buffer.from([0xca, 0x00])]],
      ['unknown length', [Buffer.from([0xc2, 0xe1])]],
      ['cut short', [bytes.subarray(0, -1)]],
      ['version is 7', [altered(3, 7)]],
      ['no OpenPGP packet', [Buffer.from([0])]],
    ] as const) {
      const error = await failure(verify(wrap(...bad)), 'SIGNATURE_INVALID');
      expect(error.message).to.contain(says);
    }
    await failure(verify('-----BEGIN PGP SIGNATURE-----\nxx'), 'SIGNATURE_INVALID');
  });
});

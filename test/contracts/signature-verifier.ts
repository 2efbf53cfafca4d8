import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect } from 'chai';
import type { SignatureVerifier, SigningKey, TrustedKey } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

/** A verifier, and what it can do on this machine. */
export interface VerifierBench {
  readonly verifier: SignatureVerifier;
  /** The kinds of signatures that it can verify here: OpenPGP may take a program that isn't installed. */
  readonly kinds: readonly SigningKey['kind'][];
  dispose(): Promise<void>;
}

const PAYLOAD = Buffer.from('tree 0\n\na commit\n');

/** An OpenPGP key, its fingerprint, and its signature over the payload; neither expires. */
const PGP = {
  fingerprint: 'B32E9185C15D05B59A3FBD2C5AB8E3468DF0438D',
  key: `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawgRBhYJKwYBBAHaRw8BAQdAy3AouK1RSdQMZQAS9p5ESBXvjqmLxAmHN/uI
5pIVtx60IkNvbnRyYWN0IFN1aXRlIDxzdWl0ZUBleGFtcGxlLm9yZz6IkAQTFggA
OBYhBLMukYXBXQW1mj+9LFq440aN8EONBQJrCBEGAhsDBQsJCAcCBhUKCQgLAgQW
AgMBAh4BAheAAAoJEFq440aN8EONgtgBAJZpglyPFLhBAI29Arzqg+EbefX6Mg7x
QifaGGyGmmKPAP4/ryG/pDxJsMcJBN8Q6yt9wB8urapVSTVAvXu1l+8fDw==
=LfdN
-----END PGP PUBLIC KEY BLOCK-----
`,
  signature: `-----BEGIN PGP SIGNATURE-----

iHUEABYIAB0WIQSzLpGFwV0FtZo/vSxauONGjfBDjQUCawgRBgAKCRBauONGjfBD
jYZlAQC7J5fG3YK5XmKl46/FHhHuWsvJRuN7Va4cMT0qp5RU1gEAxaDhnqSNWAg9
YHd7Jbi8WMS1LFgwqgIzU9jjgmWxIA4=
=qpxe
-----END PGP SIGNATURE-----
`,
};

/** A length and the bytes, as SSH writes a string. */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** An Ed25519 key, by its line as a policy lists it. */
export interface SuiteSshKey {
  readonly line: string;
  readonly privateKey: KeyObject;
}

/** A new Ed25519 key, as a policy lists it and as the suite signs with it. */
export function sshKey(): SuiteSshKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)]);
  return { line: `ssh-ed25519 ${blob.toString('base64')}`, privateKey };
}

/** An SSH signature in the namespace `git` (OpenSSH's PROTOCOL.sshsig), armoured. */
export function sshSign({ line, privateKey }: SuiteSshKey, payload: Uint8Array): string {
  const magic = Buffer.from('SSHSIG');
  const digest = createHash('sha512').update(payload).digest();
  const signed = Buffer.concat([magic, ...['git', '', 'sha512', digest].map(sshString)]);
  const signature = Buffer.concat([sshString('ssh-ed25519'), sshString(sign(null, signed, privateKey))]);
  const key = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  const version = Buffer.from([0, 0, 0, 1]);
  return armour(Buffer.concat([magic, version, ...[key, 'git', '', 'sha512', signature].map(sshString)]));
}

function armour(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}

/** What every signature verifier does. */
export function signatureVerifierContract(name: string, factory: () => Promise<VerifierBench>): void {
  describe(`signature-verifier contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: VerifierBench;
    before(async () => {
      bench = await factory();
    });
    after(() => bench.dispose());

    const refused = async (code: string, payload: Uint8Array, text: string, trusted: TrustedKey[] = []): Promise<void> => {
      const error = await thrownBy(bench.verifier.verify(payload, text, trusted));
      expect(error.code, `${error.message}: ${text.slice(0, 200)}`).to.equal(code);
    };
    const other = Buffer.concat([PAYLOAD, Buffer.from(' ')]);
    const pgp: TrustedKey = { kind: 'openpgp', material: PGP.key };

    it('says which SSH key signed, also when the caller trusts none or another', async () => {
      const [one, two] = [sshKey(), sshKey()];
      const expected: SigningKey = { kind: 'ssh', id: one.line };
      for (const trusted of [[], [{ kind: 'ssh', material: two.line }]] as TrustedKey[][]) {
        expect(await bench.verifier.verify(PAYLOAD, sshSign(one, PAYLOAD), trusted)).to.deep.equal(expected);
      }
    });

    it('refuses an SSH signature over another payload, and one that is changed anywhere', async () => {
      const key = sshKey();
      await refused('SIGNATURE_INVALID', other, sshSign(key, PAYLOAD));
      const good = Buffer.from(sshSign(key, PAYLOAD).split('\n').slice(1, -2).join(''), 'base64');
      for (let at = 0; at < good.length; at++) {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
        await refused('SIGNATURE_INVALID', PAYLOAD, armour(bad));
      }
      for (const bad of [good.subarray(0, -1), Buffer.concat([good, Buffer.alloc(1)])]) {
        await refused('SIGNATURE_INVALID', PAYLOAD, armour(bad));
      }
    });

    it('refuses what is no signature at all', async () => {
      const junk = (length: number): Buffer => createHash('shake256', { outputLength: length }).update(`${length}`).digest();
      for (let length = 1; length < 200; length++) await refused('SIGNATURE_INVALID', PAYLOAD, armour(junk(length)));
      for (const text of [
        '',
        'x',
        '-----BEGIN SIGNED MESSAGE-----\n',
        '-----BEGIN SSH SIGNATURE-----',
        armour(Buffer.alloc(0)),
      ]) {
        await refused('SIGNATURE_INVALID', PAYLOAD, text);
      }
    });

    it('says which OpenPGP key signed by its fingerprint, when it is at hand; or that it verifies none', async () => {
      if (!bench.kinds.includes('openpgp')) return refused('NOT_SUPPORTED', PAYLOAD, PGP.signature, [pgp]);
      const expected: SigningKey = { kind: 'openpgp', id: PGP.fingerprint };
      expect(await bench.verifier.verify(PAYLOAD, PGP.signature, [pgp])).to.deep.equal(expected);
      await refused('SIGNATURE_INVALID', other, PGP.signature, [pgp]);
      await refused('SIGNER_UNKNOWN', PAYLOAD, PGP.signature, []);
      await refused('SIGNER_UNKNOWN', PAYLOAD, PGP.signature, [{ kind: 'ssh', material: sshKey().line }]);
      await refused('SIGNATURE_INVALID', PAYLOAD, PGP.signature.replace(/\n\n[\s\S]*\n-/, '\n\nxx\n-'), [pgp]);
    });
  });
}

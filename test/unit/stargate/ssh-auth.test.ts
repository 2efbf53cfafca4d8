import { principal } from '../../../domain/access/principal.js';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { expect } from 'chai';
import type { AuthContext } from 'ssh2';
import { acceptAuth, fingerprintOf, identifyBy, judgeAuth } from '../../../apps/stargate/ssh/auth.js';
import type { NamespacePolicy, Policy, PolicyKey } from '../../../ports/stargate/policy-reader.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import { type SuiteSshKey, sshKey } from '../../contracts/signature-verifier.js';

const SIGNED = Buffer.from('what this session alone has');
const blobOf = ({ line }: SuiteSshKey): Buffer => Buffer.from(line.split(' ')[1] ?? '', 'base64');
const listed = ({ line }: { line: string }, name: string): PolicyKey => ({ kind: 'ssh', material: line, name });

function policy(admins: PolicyKey[], writers: PolicyKey[] = [], readers: PolicyKey[] = []): Policy {
  const urls = {
    pushUrl: null,
    readUrl: null,
    requireMirrorAckByDefault: false,
    pushUrls: {},
    ack: 'quorum' as const,
    standby: 'refuse' as const,
    requireRepositoryId: false,
    minFreeSpace: null,
    maxPushObjects: 1_000_000,
    maxConnectionsPerKey: 64,
    limits: USUAL_LIMITS,
  };
  const namespaces = new Map([['main', { writers } as unknown as NamespacePolicy]]); // roles are all that is read of it
  return { version: 1, ...urls, admins, readers, namespaces };
}

/** A string of SSH's wire format. */
const wire = (value: Buffer | string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
};

interface Offer {
  readonly method: string;
  readonly algo: string;
  readonly data: Buffer;
  readonly hashAlgo?: string;
  readonly blob?: Buffer;
  readonly signature?: Buffer;
}

describe('stargate: who a connection belongs to', () => {
  const [ada, bob, mallory] = [sshKey(), sshKey(), sshKey()];
  const identify = identifyBy(
    policy([listed(ada, 'ada')], [listed(ada, 'ada as a writer'), listed(bob, 'bob')], [listed(bob, 'b')]),
  );
  const proof = (key: SuiteSshKey, changes: Partial<Offer> = {}): Offer => ({
    ...{ method: 'publickey', algo: 'ssh-ed25519', data: blobOf(key), blob: SIGNED },
    signature: sign(null, SIGNED, key.privateKey),
    ...changes,
  });
  /** Only these fields of a request are looked at. */
  const judge = ({ algo, data, ...rest }: Offer, by = identify) =>
    judgeAuth({ ...rest, key: { algo, data } } as unknown as AuthContext, by);

  it('adds up the roles of a key under the first name that it has', () => {
    expect(identify('ssh-ed25519', blobOf(ada))).to.deep.equal(principal('ada', 'admin', 'writer'));
    expect(identify('ssh-ed25519', blobOf(bob))).to.deep.equal(principal('bob', 'writer', 'reader'));
    expect(identify('ssh-ed25519', blobOf(mallory))).to.equal(null);
    expect(identify('ssh-ed25519', blobOf(ada).subarray(1))).to.equal(null);
  });

  it('is shown by the fingerprint that ssh-keygen shows', () => {
    // `ssh-keygen -lf` of `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`.
    const zeros = Buffer.concat([wire('ssh-ed25519'), wire(Buffer.alloc(32))]);
    expect(fingerprintOf(zeros)).to.equal('SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk');
    expect(fingerprintOf(Buffer.from('x'))).to.match(/^SHA256:[A-Za-z0-9+/]{43}$/);
  });

  it('is told yes with the algorithm that an RSA key was asked about', () => {
    const accepted = (request: Partial<AuthContext> & { hashAlgo?: string }): string[] => {
      const said: string[] = [];
      const key = { algo: 'ssh-rsa', data: Buffer.alloc(0) };
      acceptAuth({ method: 'publickey', key, ...request, accept: () => said.push(key.algo) } as unknown as AuthContext);
      return said;
    };
    expect(accepted({ hashAlgo: 'sha512' })).to.deep.equal(['rsa-sha2-512']);
    expect(accepted({ hashAlgo: 'sha256' })).to.deep.equal(['rsa-sha2-256']);
    expect(accepted({})).to.deep.equal(['ssh-rsa']);
    expect(accepted({ hashAlgo: 'sha512', signature: Buffer.alloc(1) })).to.deep.equal(['ssh-rsa']);
    expect(accepted({ hashAlgo: 'sha512', method: 'none' })).to.deep.equal(['ssh-rsa']);
  });

  it('proves nothing by a key or a signature that can’t be read', () => {
    const type = 'ecdsa-sha2-nistp256';
    const data = Buffer.concat([wire(type), wire('nistp256'), wire(Buffer.alloc(65, 4))]);
    const anybody = () => principal('eve', 'writer');
    const offer = { ...proof(ada), algo: type, data };
    for (const signature of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(64)])
      expect(judge({ ...offer, signature }, anybody)).to.deep.equal({ kind: 'refused', reason: 'bad signature' });
    expect(judge({ ...offer, data: Buffer.concat([wire(type), wire('x')]) }, anybody).kind).to.equal('refused');
  });

  it('opens no connection to a key that only signs, nor to one that cannot be read', () => {
    const material = blobOf(ada).toString('base64');
    const by = identifyBy(
      policy([
        { kind: 'openpgp', material: ada.line, name: 'ada' },
        { kind: 'ssh', material, name: 'no type' },
      ]),
    );
    expect(by('ssh-ed25519', blobOf(ada))).to.equal(null);
  });

  it('proves a key by a signature over what this session has, and nothing less', () => {
    expect(judge(proof(ada))).to.deep.equal({ kind: 'proven', key: { type: 'ssh-ed25519', blob: blobOf(ada) } });
    const { signature, ...asked } = proof(ada);
    expect(judge(asked), 'asked whether the key would do').to.deep.equal({ kind: 'acceptable' });
    const { blob, ...unsigned } = proof(ada);
    const refusals: readonly (readonly [string, Offer])[] = [
      ['bad signature', proof(ada, { blob: Buffer.concat([blob ?? SIGNED, Buffer.from('.')]) })],
      ['bad signature', proof(ada, { signature: sign(null, SIGNED, mallory.privateKey) })],
      ['bad signature', proof(ada, { signature: Buffer.alloc(0) })],
      ['nothing signed', { ...unsigned, signature: signature ?? SIGNED }],
      ['unknown key', proof(mallory)],
      ['method password', proof(ada, { method: 'password' })],
      ['algorithm differs from key', proof(ada, { algo: 'ecdsa-sha2-nistp256' })],
      ['key type', proof(ada, { data: Buffer.concat([wire('sk-ssh-ed25519@openssh.com'), wire('k')]) })],
      ['key type', proof(ada, { data: Buffer.from([0, 0]) })],
    ];
    for (const [reason, offer] of refusals) expect(judge(offer), reason).to.deep.equal({ kind: 'refused', reason });
  });

  it('refuses a key that cannot be read, though somebody listed it', () => {
    const data = Buffer.concat([wire('ssh-ed25519'), wire('too short')]);
    const anybody = () => principal('x', 'admin', 'writer', 'reader');
    expect(judge(proof(ada, { data }), anybody)).to.deep.equal({ kind: 'refused', reason: 'bad signature' });
  });

  for (const [curve, type, hash] of [
    ['P-256', 'ecdsa-sha2-nistp256', 'sha256'],
    ['P-384', 'ecdsa-sha2-nistp384', 'sha384'],
    ['P-521', 'ecdsa-sha2-nistp521', 'sha512'],
  ] as const) {
    it(`takes ${type}`, () => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
      const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
      const data = Buffer.concat([wire(type), wire(type.slice(-8)), wire(point)]);
      const by = identifyBy(policy([], [], [listed({ line: `${type} ${data.toString('base64')}` }, 'eve')]));
      const offer = { ...proof(ada), algo: type, data, signature: sign(hash, SIGNED, privateKey) };
      expect(judge(offer, by).kind).to.equal('proven');
    });
  }

  describe('with an RSA key', () => {
    let rsa: { publicKey: KeyObject; privateKey: KeyObject };
    before(() => {
      rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    });

    it('takes RSA with SHA-2, told by the hash or by the algorithm, and never with SHA-1', () => {
      const { publicKey, privateKey } = rsa;
      const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
      const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')]);
      const data = Buffer.concat([wire('ssh-rsa'), wire(Buffer.from(e, 'base64url')), wire(modulus)]);
      const by = identifyBy(policy([listed({ line: `ssh-rsa ${data.toString('base64')}` }, 'rose')]));
      const signed = (hash: string, key: KeyObject = privateKey): Buffer => sign(hash, SIGNED, key);
      const offer = (algo: string, hash: string, hashAlgo?: string): Offer => ({
        ...proof(ada, { algo, data, signature: signed(hash) }),
        ...(hashAlgo === undefined ? {} : { hashAlgo }),
      });
      for (const hash of ['sha256', 'sha512']) expect(judge(offer('ssh-rsa', hash, hash), by).kind, hash).to.equal('proven');
      const { signature, ...asked } = offer('rsa-sha2-512', 'sha512');
      expect(signature).to.have.length(256);
      expect(judge(asked, by)).to.deep.equal({ kind: 'acceptable' });
      for (const hashAlgo of [undefined, 'sha1', 'md5']) {
        expect(judge(offer('ssh-rsa', 'sha1', hashAlgo), by)).to.deep.equal({ kind: 'refused', reason: 'RSA with SHA-1' });
      }
    });
  });
});

import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type Commit, encodeCommit } from '../../../../../domain/git/commit.js';
import { anySigner, fingerprint, listedOwner, signerOf } from '../../../../../domain/verify/attestation/commit-signer.js';
import type { SignatureVerifier, SigningKey, TrustedKey } from '../../../../../ports/clone/signer.js';
import { type ErrorCode, KvError } from '../../../../../ports/error.js';
import type { PolicyKey } from '../../../../../ports/stargate/policy-reader.js';
import { RuleBench } from '../../../../support/formats/rules.js';

const ADA = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFmTDlJyZ6kAUYJ7QcRSkiGHZTAwL0ra4R8BJVnTIpV';
const BOB = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvYmJvYmJvYmJvYmJvYmJvYmJvYmJvYmJvYmJvYmI7';
const ssh = (material: string, name: string): PolicyKey => ({ kind: 'ssh', material, name });
const block = (name: string): PolicyKey => ({ kind: 'openpgp', material: `block of ${name}`, name });
const commit: Commit = {
  tree: '',
  parents: [],
  author: 'A <a> 1 +0000',
  committer: 'A <a> 1 +0000',
  signature: 'by ada',
  message: 'm\n',
};
const link = { oid: 'c0ffee', commit: { ...commit, tree: 'a'.repeat(40) } };
const unsigned = { ...link, commit: { ...link.commit, signature: null } };
const subject = { commit: 'c0ffee' };

/** Says that a signature is a key's, or what it is told to throw; OpenPGP only when the key's own block is at hand. */
class Verifier implements SignatureVerifier {
  readonly asked: { payload: string; signature: string; trusted: readonly TrustedKey[] }[] = [];
  constructor(readonly says: SigningKey | Error) {}
  async verify(payload: Uint8Array, signature: string, trusted: readonly TrustedKey[]): Promise<SigningKey> {
    this.asked.push({ payload: Buffer.from(payload).toString(), signature, trusted });
    const { says } = this;
    if (says instanceof Error) throw says;
    if (says.kind === 'openpgp' && !trusted.some(({ material }) => material === `block of ${says.id}`))
      throw new KvError('SIGNER_UNKNOWN', 'its key is not at hand');
    return says;
  }
}
const refusal = (code: ErrorCode): KvError => new KvError(code, 'no');

describe('who signed a commit', () => {
  it('is asked of what was signed: the commit without its signature', async () => {
    const { rules, told } = bench();
    const verifier = new Verifier({ kind: 'ssh', id: ADA });
    const atHand = [ssh(ADA, 'ada')];
    expect(await anySigner(rules, verifier, link, atHand)).to.deep.equal({ kind: 'ssh', id: ADA });
    const payload = Buffer.from(encodeCommit(unsigned.commit, 'sha1')).toString();
    expect(verifier.asked).to.deep.equal([{ payload, signature: 'by ada', trusted: atHand }]);
    expect(told()).to.deep.equal([]);
  });

  it('is nobody where there is no signature, or none that is sound', async () => {
    const { rules, told } = bench();
    const missing = { code: 'SIGNATURE_MISSING', advice: { id: 'configure-signing' }, subject };
    expect(await anySigner(rules, new Verifier({ kind: 'ssh', id: ADA }), unsigned, [])).to.equal(null);
    expect(told()).to.deep.equal([missing]);
    expect(await anySigner(rules, new Verifier(refusal('SIGNATURE_INVALID')), link, [])).to.equal(null);
    expect(told()).to.deep.equal([{ code: 'SIGNATURE_INVALID', subject }]);
    expect(await signerOf(rules, new Verifier({ kind: 'ssh', id: ADA }), unsigned, [ssh(ADA, 'ada')], 'writer')).to.equal('-');
    expect(told()).to.deep.equal([missing]);
  });

  it('throws on what is a bug and not an answer', async () => {
    const bug = new TypeError('x is not a function');
    for (const asked of [
      () => anySigner(bench().rules, new Verifier(bug), link, []),
      () => listedOwner(bench().namer, new Verifier(bug), link, [], new Map()),
    ])
      expect(await asked().catch((error: unknown) => error)).to.equal(bug);
  });

  it('is named as the policy lists the key, SSH by the key itself', async () => {
    const { rules, told } = bench();
    const verifier = new Verifier({ kind: 'ssh', id: ADA });
    const listed = [{ ...block('x'), material: ADA }, ssh(BOB, 'bob'), ssh(ADA, 'ada')];
    expect(await signerOf(rules, verifier, link, listed, 'writer')).to.equal('ada');
    expect(told()).to.deep.equal([]);
  });

  it('is named by OpenPGP with the block that alone is enough to verify', async () => {
    const { rules, namer, told } = bench();
    const verifier = new Verifier({ kind: 'openpgp', id: 'ADA1' });
    const listed = [ssh(ADA, 'other'), block('BOB2'), { ...block('ADA1'), name: 'ada' }, { ...block('ADA1'), name: 'again' }];
    expect(await signerOf(rules, verifier, link, listed, 'admin')).to.equal('ada');
    expect(verifier.asked.map(({ trusted }) => trusted)).to.deep.equal([listed, [listed[1]], [listed[2]]]);
    expect(verifier.asked.map(({ signature }) => signature)).to.deep.equal(['by ada', 'by ada', 'by ada']);
    expect(told()).to.deep.equal([]);
    const owners = new Map<string, PolicyKey | null>();
    expect((await listedOwner(namer, verifier, link, listed, owners))?.name).to.equal('ada');
    expect([...owners.keys()]).to.deep.equal(['openpgp ADA1']);
  });

  it('is no listed one whose block verifies as another key', async () => {
    const { rules, told } = bench();
    let calls = 0;
    const verifier: SignatureVerifier = { verify: async () => ({ kind: 'openpgp', id: `KEY${calls++}` }) };
    expect(await signerOf(rules, verifier, link, [block('x')], 'writer')).to.equal('KEY0');
    expect(told()).to.deep.equal([{ code: 'SIGNER_UNKNOWN', subject }]);
  });

  it('throws on when a block can’t be tried for another reason than being another’s', async () => {
    for (const error of [refusal('IO_ERROR'), new TypeError('x is not a function')]) {
      let calls = 0;
      const verifier: SignatureVerifier = {
        verify: async () => {
          if (calls++ > 0) throw error;
          return { kind: 'openpgp', id: 'ADA1' };
        },
      };
      const thrown = await signerOf(bench().rules, verifier, link, [block('ADA1')], 'writer').catch((caught: unknown) => caught);
      expect(thrown).to.equal(error);
    }
  });

  it('is a stranger by the fingerprint when no listed key is theirs', async () => {
    const digest = createHash('sha256')
      .update(Buffer.from(ADA.split(' ')[1] ?? '', 'base64'))
      .digest('base64')
      .replace(/=+$/, '');
    for (const role of ['writer', 'admin', 'sequencer'] as const) {
      const { rules, faults, told } = bench();
      const shown = await signerOf(rules, new Verifier({ kind: 'ssh', id: ADA }), link, [ssh(BOB, 'bob')], role);
      expect(shown).to.equal(`SHA256:${digest}`);
      expect(faults[0]?.message).to.contain(shown).and.contain(role).and.not.contain('undefined');
      expect(faults[0]?.hint).to.be.a('string');
      expect(told()).to.deep.equal([{ code: 'SIGNER_UNKNOWN', subject }]);
    }
    const { hasher } = bench().namer;
    expect(fingerprint({ kind: 'openpgp', id: 'ADA1' }, hasher)).to.equal('ADA1');
    expect(fingerprint({ kind: 'openpgp', id: ADA }, hasher)).to.equal(ADA);
    expect(fingerprint({ kind: 'ssh', id: 'ssh-ed25519 AAAA' }, hasher)).to.equal('ssh-ed25519 AAAA');
    expect(fingerprint({ kind: 'ssh', id: '' }, hasher)).to.equal('');
  });
});

describe('the listed owner of a signature', () => {
  it('is looked up once a key, and is nobody where that can’t be told', async () => {
    const { namer } = bench();
    const owners = new Map<string, PolicyKey | null>();
    const listed = [block('BOB2'), block('ADA1')];
    const verifier = new Verifier({ kind: 'openpgp', id: 'ADA1' });
    const ask = (from: Verifier, to = link, among = listed) => listedOwner(namer, from, to, among, owners);
    expect(await ask(verifier)).to.equal(listed[1]);
    const asked = verifier.asked.length;
    expect(await ask(verifier)).to.equal(listed[1]);
    expect(verifier.asked.length).to.equal(asked + 1);
    const stranger = new Verifier({ kind: 'ssh', id: ADA });
    expect(await ask(stranger)).to.equal(null);
    expect(await ask(stranger, link, [ssh(ADA, 'ada')])).to.equal(null); // it is known by then that it is nobody's
    expect([...owners]).to.deep.equal([
      ['openpgp ADA1', listed[1]],
      [`ssh ${ADA}`, null],
    ]);
    expect(await ask(verifier, unsigned as typeof link)).to.equal(null);
    expect(await ask(new Verifier(refusal('SIGNATURE_INVALID')))).to.equal(null);
  });
});

function bench(): { rules: RuleBench['rules']; namer: RuleBench['namer']; faults: RuleBench['faults']; told: () => unknown } {
  const made = new RuleBench();
  return { rules: made.rules, namer: made.namer, faults: made.faults, told: () => made.told() };
}

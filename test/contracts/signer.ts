import { expect } from 'chai';
import type { Signer } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

/** Signers under three configurations, and another program's judgement of what the first one signs. */
export interface SignerBench {
  readonly signer: Signer;
  /** Where no key is configured. */
  readonly unconfigured: Signer;
  /** Where a key is configured, and the program that would sign with it fails. */
  readonly broken: Signer;
  /** Whether a program that isn't this project's takes the signature for the payload and the configured key. */
  accepts(payload: Uint8Array, signature: string): Promise<boolean>;
  dispose(): Promise<void>;
}

/** What every signer does. */
export function signerContract(name: string, factory: () => Promise<SignerBench>): void {
  describe(`signer contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: SignerBench;
    beforeEach(async () => {
      bench = await factory();
    });
    afterEach(() => bench.dispose());

    const payload = Buffer.from('tree 0\n\na commit, naïvely\n');

    it('gives an armoured signature over the payload, as a commit header holds it', async () => {
      const signature = await bench.signer.sign(payload);
      expect(signature).to.match(/^-----BEGIN [A-Z]+ SIGNATURE-----\n[\s\S]*\n-----END [A-Z]+ SIGNATURE-----\n?$/);
      expect(signature).to.not.contain('\r');
      expect(await bench.accepts(payload, signature)).to.equal(true);
      expect(await bench.accepts(Buffer.concat([payload, Buffer.from(' ')]), signature)).to.equal(false);
    });

    it('signs several payloads at once, of any bytes and sizes', async () => {
      const payloads = [new Uint8Array(0), Buffer.from([0, 10, 13, 255]), Buffer.alloc(300_000, 'x')];
      const signatures = await Promise.all(payloads.map((each) => bench.signer.sign(each)));
      for (const [at, each] of payloads.entries()) {
        expect(await bench.accepts(each, signatures[at] ?? ''), `payload ${at}`).to.equal(true);
      }
    });

    it('says what to configure where no key is', async () => {
      const error = await thrownBy(bench.unconfigured.sign(payload));
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.hint).to.be.a('string');
    });

    it('names no public key where no key is configured', async () => {
      expect((await bench.unconfigured.publicKey?.()) ?? null).to.equal(null);
    });

    it('calls a program that fails IO_ERROR, with a hint', async () => {
      const error = await thrownBy(bench.broken.sign(payload));
      expect(error.code).to.equal('IO_ERROR');
      expect(error.hint).to.be.a('string');
    });
  });
}

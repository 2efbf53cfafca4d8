import { expect } from 'chai';
import type { ErrorCode } from '../../ports/error.js';
import { rejectionIn } from '../support/failure.js';
import type { Ran } from '../support/processes.js';
import type { World } from '../support/world.js';
import type { Forge } from './forge.js';

/** What plain git can try against a Stargate. Each is refused with its code and for its reason, and nothing of it stays. */
export interface Attack {
  readonly name: string;
  readonly code: ErrorCode;
  /** What the message must say: that it is refused by the check that is meant, and not by another. */
  readonly says: string;
  readonly run: (forge: Forge) => Promise<Ran>;
}

/** Runs each attack as a test of its own, in the world that is there by then. */
export function runAttacks(attacks: readonly Attack[], given: () => { readonly world: World; readonly forge: Forge }): void {
  for (const { name, code, says, run } of attacks) {
    it(`${name} → ${code}`, async () => {
      const { world, forge } = given();
      await world.mirrored(); // the watermark moves when the mirror has caught up: not the attack's doing
      const picture = async (): Promise<unknown> => ({ refs: [...(await world.refs())], files: await world.objectFiles() });
      const before = await picture();
      const ran = await run(forge);
      expect(ran.code, ran.stderr).to.not.equal(0);
      const rejection = rejectionIn(ran.stderr);
      expect(rejection?.code, ran.stderr).to.equal(code);
      expect(rejection?.message).to.contain(says);
      expect(await picture()).to.deep.equal(before);
    });
  }
}

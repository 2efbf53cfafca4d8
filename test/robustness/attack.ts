import { expect } from 'chai';
import type { ErrorCode } from '../../ports/error.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import { rejectionIn } from '../support/failure.js';
import type { MemoryForge } from '../support/memory/forge.js';
import type { Ran } from '../support/programs/processes.js';
import type { Forge } from './forge.js';
import type { Forger } from './forger.js';

/** What plain git can try against a Stargate. Each is refused with its code, and nothing of it stays. */
export interface Attack {
  readonly name: string;
  readonly code: ErrorCode;
  /** What the message must say: that it is refused by the check that is meant, and not by another. */
  readonly says?: string;
  /** It hangs on how long an id is, or which hash made it: over SSH too, it is tried on both object formats. */
  readonly byFormat?: true;
  /** `mark` takes the picture of the repository anew, for an attack that has to write something honest first. */
  readonly run: (forge: Forger, mark: () => Promise<void>) => Promise<Ran>;
}

/** What is attacked. */
export interface Attacked {
  readonly forge: Forger;
  /** Resolves when nothing moves there that isn't the attack's doing. */
  settled(): Promise<void>;
  /** All that a refused push must leave as it was. */
  picture(): Promise<unknown>;
}

/** The attacks to try over SSH: all of them on one object format, on the other those that hang on it. */
export function overSsh(attacks: readonly Attack[], format: ObjectFormat): readonly Attack[] {
  return format === 'sha1' ? attacks : attacks.filter(({ byFormat }) => byFormat === true);
}

/** A Stargate with its real repository, attacked from a clone. */
export function attackedWorld(forge: Forge): Attacked {
  const { world } = forge;
  return {
    forge,
    settled: () => world.mirrored(), // the watermark moves when the mirror has caught up
    picture: async () => ({ refs: [...(await world.refs())], files: await world.objectFiles() }),
  };
}

/** A gateway in this process. */
export function attackedMemory(forge: MemoryForge): Attacked {
  const { gateway } = forge;
  return {
    forge,
    async settled() {
      await gateway.mirrored();
      gateway.offered = []; // what was taken of an earlier push may stay
    },
    async picture() {
      const kept = (await gateway.store.headers(gateway.offered)).filter((header) => header !== null);
      return { refs: [...(await gateway.refs())], journal: await gateway.journal(), kept: kept.length };
    },
  };
}

/** Runs each attack as a test of its own, on what is there by then. */
export function runAttacks(attacks: readonly Attack[], given: () => Attacked): void {
  for (const { name, code, says, run } of attacks) {
    it(`${name} → ${code}`, async () => {
      const { forge, settled, picture } = given();
      let before: unknown;
      const mark = async (): Promise<void> => {
        await settled();
        before = await picture();
      };
      await mark();
      const ran = await run(forge, mark);
      expect(ran.code, ran.stderr).to.not.equal(0);
      const rejection = rejectionIn(ran.stderr);
      expect(rejection?.code, ran.stderr).to.equal(code);
      if (says !== undefined) expect(rejection?.message).to.contain(says);
      expect(await picture()).to.deep.equal(before);
    });
  }
}

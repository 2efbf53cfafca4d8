import { access, constants } from 'node:fs/promises';
import { toKvError } from '../../../ports/error.js';
import type { HealthSources } from '../../http/health-mount.js';
import type { Metrics } from '../metrics.js';
import type { DiskRoom } from '../repository/disk-room.js';
import type { ServedRepository } from '../serving/served-repository.js';
import { productVersion } from '../version.js';

interface RootHealth {
  readonly root: string;
  readonly room: DiskRoom;
  readonly metrics: Metrics;
  readonly open: () => ReadonlyMap<string, ServedRepository>;
  /** How many there are, and how many are closed with work left. */
  readonly counts: () => { readonly repositories: number; readonly owed: number };
  /** Why writes go to another server; null where they are taken here. */
  readonly standby: () => Promise<string | null>;
}

/** So many repositories are named in one answer. */
const NAMED = 10;

/**
 * What a Stargate with many repositories says of its health. `/healthz`: the folder can be used, and its disk has room. `/readyz`: writes are
 * taken, here and not by another server. What is wrong with one repository is a warning that names it, since the others are served as ever.
 */
export function rootHealth({ root, room, metrics, open, counts, standby }: RootHealth): HealthSources {
  const disk = async (): Promise<string[]> => {
    const full = await room.lack();
    return full === null ? [] : [`disk: ${full}`];
  };
  return {
    metrics: {
      contentType: metrics.contentType,
      async text() {
        await room.lack(); // what is told of the disk is as of now
        return metrics.text();
      },
    },
    async healthz() {
      const unusable = await access(root, constants.R_OK | constants.W_OK).then(
        () => [],
        (error: unknown) => [`root: ${toKvError(error).message}`],
      );
      return { reasons: [...unusable, ...(await disk())], facts: { version: productVersion() } };
    },
    async readyz() {
      const elsewhere = await standby();
      const wrong = [...open()].flatMap(([name, { state }]) => {
        const { leads, rejected, stuck, behind } = state();
        return [
          ...(leads || elsewhere !== null ? [] : [`${name}: standby`]),
          ...(rejected === null ? [] : [`${name}: the policy file is not in force`]),
          ...(stuck === null ? [] : [`${name}: mirror queue: ${stuck}`]),
          ...(behind === 0 ? [] : [`${name}: behind its mirror`]),
        ];
      });
      const more = wrong.length - NAMED;
      return {
        reasons: [...(elsewhere === null ? [] : [elsewhere]), ...(await disk())],
        warnings: more > 0 ? [...wrong.slice(0, NAMED), `and ${more} more`] : wrong,
        facts: { open: open().size, ...counts() },
      };
    },
  };
}

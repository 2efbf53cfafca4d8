import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { RepositoryHost, Room } from '../../../ports/git/repository-host.js';
import type { Profile } from '../../../plugins/host/index.js';
import { journalOf } from '../backup/journal.js';
import { keptBack } from '../repository/disk-room.js';

type RoomFor = Pick<RepositoryHost, 'room' | 'probeWriting'>;

/**
 * The room for writes where the journal may have a disk of its own: that one's as soon as it has none to spare, else the repository's. A
 * journal without a place is no reason.
 */
export async function withJournalRoom(host: RoomFor, gitDir: string, profile: Profile, look = roomAt): Promise<RoomFor> {
  const { place } = await journalOf(profile);
  if (place === undefined) return host;
  const folder = dirname(resolve(gitDir, place));
  return {
    probeWriting: () => host.probeWriting(),
    async room() {
      const [room, ofJournal] = await Promise.all([host.room(), look(folder).catch(() => null)]); // opening it tells what is wrong
      return ofJournal !== null && ofJournal.free < keptBack(ofJournal) && ofJournal.free < room.free ? ofJournal : room;
    },
  };
}

async function roomAt(folder: string): Promise<Room> {
  const { bsize, blocks, bavail } = await statfs(folder);
  return { free: bavail * bsize, size: blocks * bsize };
}

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reservation } from '../../../../domain/gateway/creation/records.js';
import type { CreationStore } from '../../../../domain/gateway/creation/store.js';
import { decodeCreation } from '../../../../domain/gateway/creation/wire.js';
import { KvError } from '../../../../ports/error.js';
import { foldedName, parseRepositoryName, type RepositoryName } from '../../../../ports/grammar/repository-name.js';
import type { PolicyReader } from '../../../../ports/stargate/policy-reader.js';
import { readKept, writeKept } from '../../repository/kept-file.js';
import { OWN_ID } from '../../repository/own-id.js';
import type { Catalogue } from '../folders/catalogue.js';
import { makeRepository } from '../folders/make-repository.js';
import { syncPath } from '../../../sync-path.js';
import { appendLine, readLines } from './ndjson-file.js';

/**
 * What a server keeps of creations below its root: a file for each name that is reserved, in `.stargate/creations/`, and a line for each
 * repository that was created, in `.stargate/created.ndjson`.
 */
export async function openCreationFiles(catalogue: Catalogue, reader: PolicyReader): Promise<CreationStore> {
  const folder = join(catalogue.root, '.stargate', 'creations');
  const logFile = join(catalogue.root, '.stargate', 'created.ndjson');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (repository: string): string => join(folder, `${foldedName(repository).replace('/', '~')}.json`);
  return {
    async reservations() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      return Promise.all(names.map((name) => readReservation(join(folder, name))));
    },
    created: async () => (await readLines(logFile)).map(decodeCreation), // what was cut off is made and noted again
    reserve: (reservation) => writeKept(fileOf(reservation.creation.repository), JSON.stringify(reservation)),
    async drop(repository) {
      await rm(fileOf(repository), { force: true });
      await syncPath(folder);
    },
    async make({ repository, policy, objectFormat, repositoryId, servers }, learned) {
      const name = nameOf(repository);
      const there = await catalogue.find(name);
      if (there === null) await makeRepository(catalogue, name, { policy, objectFormat, repositoryId, servers, learned });
      else if ((await readKept(join(there, OWN_ID)))?.trim() !== repositoryId)
        throw new KvError('CAS_CONFLICT', `another repository stands in ${there}`);
    },
    append: (creation) => appendLine(logFile, JSON.stringify(creation)),
    taken: (repository) => catalogue.taken(nameOf(repository)),
    check({ repository, policy }) {
      nameOf(repository);
      reader.parse(policy, `the policy of ${repository}`);
    },
  };
}

async function readReservation(file: string): Promise<Reservation> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as { creation?: unknown; state?: unknown; learned?: unknown };
    const { creation, state, learned } = kept;
    if (state !== 'prepared' && state !== 'decided') throw new Error(`its state is '${state}'`);
    return {
      creation: decodeCreation(Buffer.from(JSON.stringify(creation ?? null))),
      state,
      ...(learned === true ? { learned } : {}),
    };
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `${file} holds no reservation of a repository's name: ${(cause as Error).message}`, {
      cause,
      hint: 'it is written whole or not at all: look what has changed it; without it, the creation counts as given up',
    });
  }
}

function nameOf(repository: string): RepositoryName {
  const name = parseRepositoryName(repository);
  if (name === null) throw new KvError('INPUT_INVALID', `'${repository.slice(0, 200)}' is no repository's name`);
  return name;
}

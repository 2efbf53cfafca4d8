import { isRepositoryId } from '../../../../domain/ledger/repository-id.js';
import { parseRepositoryName, type RepositoryName } from '../../../../ports/grammar/repository-name.js';

/**
 * What servers call the history of one of many repositories, to each other and in the decision log: `owner/name@id`. The id tells a repository
 * from another one that had its name before, whose history is not gone on with.
 */
export interface HistoryName extends RepositoryName {
  readonly id: string;
}

/** The name as it is written. */
export const formatHistory = ({ owner, name, id }: HistoryName): string => `${owner}/${name}@${id}`;

/** Reads such a name; null for what is none. */
export function parseHistory(text: string): HistoryName | null {
  const at = text.indexOf('@');
  const [repository, id] = [parseRepositoryName(text.slice(0, Math.max(0, at))), text.slice(at + 1)];
  return repository === null || !isRepositoryId(id) ? null : { ...repository, id };
}

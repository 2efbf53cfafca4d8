import { randomBytes } from 'node:crypto';
import { KeptJson } from './kept-json.js';

/** Which files are to fit which schema. */
export interface SchemaRule {
  /** A glob. */
  readonly files: string;
  /** The schema's path in the repository. */
  readonly schema: string;
}

/** Where somebody wants to be told of moves, and of which. */
export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  /** What deliveries are signed with. Never shown again. */
  readonly secret: string;
  /** Reasons such as `commit`; `*` is all. */
  readonly events: readonly string[];
  readonly branch: string | null;
  readonly path: string | null;
  readonly author: string | null;
  readonly active: boolean;
  readonly createdAt: number;
}

/** What was said of one repository besides its content. */
export interface RepositorySettings {
  /** What `validate` runs: checks that are built in, and commands. */
  readonly validators: readonly string[];
  readonly maxFileBytes: number | null;
  readonly schemas: readonly SchemaRule[];
  /** What may refuse a commit. */
  readonly preCommit: readonly string[];
  /** Commands that are run once a branch has moved. */
  readonly postCommit: readonly string[];
  readonly webhooks: readonly WebhookRecord[];
}

const USUAL: RepositorySettings = {
  ...{ validators: ['syntax'], maxFileBytes: null, schemas: [], preCommit: [], postCommit: [], webhooks: [] },
};

interface Known {
  settings: RepositorySettings;
  readonly file: KeptJson<RepositorySettings> | null;
}

/** The settings of all repositories that were opened; those of a kept one lie in its folder. */
export class SettingsOfRepositories {
  private readonly known = new Map<string, Known>();

  /** Reads them, once. `file` is null for a repository that lives in memory. Throws `IO_ERROR`, `CONFIG_INVALID`. */
  async load(id: string, path: string | null): Promise<void> {
    if (this.known.has(id)) return;
    const file = path === null ? null : new KeptJson<RepositorySettings>(path);
    const kept = await file?.read();
    this.known.set(id, { settings: { ...USUAL, ...(kept ?? {}) }, file });
  }

  /** Those of a repository that was opened before. */
  of(id: string): RepositorySettings {
    return this.known.get(id)?.settings ?? USUAL;
  }

  /** Resolves once they are kept. */
  async change(id: string, change: (settings: RepositorySettings) => Partial<RepositorySettings>): Promise<RepositorySettings> {
    const known = this.known.get(id);
    if (known === undefined) throw new Error('settings of a repository that was never opened');
    known.settings = { ...known.settings, ...change(known.settings) };
    await known.file?.write(() => known.settings);
    return known.settings;
  }

  forget(id: string): void {
    this.known.delete(id);
  }
}

/** An id that nobody guesses. */
export function newId(mark: string): string {
  return `${mark}_${randomBytes(9).toString('base64url').replace(/[-_]/g, 'x')}`;
}

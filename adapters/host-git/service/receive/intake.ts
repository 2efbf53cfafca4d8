import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QUARANTINE_PREFIX } from '../../../../ports/git/quarantine-folder.js';
import { diskErrorCode, type GitBounds, KvError, listedPath } from '../../../../ports/index.js';
import { sync } from '../../process/bundle-file.js';
import { type Started, startGit } from '../service-process.js';

/** What taking a pack in takes. */
export interface IntakeRequest {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Settings for git, as `-c name=value`. */
  readonly settings: readonly string[];
  readonly bounds: GitBounds;
  readonly maxBytes: number;
}

/** A quarantine: a folder of objects beside the repository's, which only those see who are told of it. */
export class Intake {
  private constructor(
    private readonly request: IntakeRequest,
    readonly path: string,
  ) {}

  /** Makes one, named as git names its own, so that whatever clears up after git clears up after this. */
  static async open(request: IntakeRequest): Promise<Intake> {
    const path = await mkdtemp(join(request.gitDir, 'objects', QUARANTINE_PREFIX));
    try {
      await mkdir(join(path, 'pack'));
    } catch (error) {
      await rm(path, { recursive: true, force: true });
      throw error;
    }
    return new Intake(request, path);
  }

  /**
   * Starts git's reading of a pack, which checks each object, and that all that it names is here or in the repository; it syncs what it
   * writes.
   */
  index(): Started {
    const { gitDir, env, settings, bounds, maxBytes } = this.request;
    const own = {
      ...env,
      GIT_DIR: gitDir,
      GIT_OBJECT_DIRECTORY: this.path,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: listedPath(join(gitDir, 'objects')),
      GIT_QUARANTINE_PATH: this.path,
    };
    const args = [...settings, 'index-pack', '--stdin', '--fix-thin', '--strict', `--max-input-size=${Math.trunc(maxBytes)}`];
    return startGit(args, { env: own, pipes: 3, bounds });
  }

  /** Makes the objects the repository's, durably. */
  async accept(): Promise<void> {
    const [from, to] = [join(this.path, 'pack'), join(this.request.gitDir, 'objects', 'pack')];
    try {
      await mkdir(to, { recursive: true });
      // The index comes last: with it, the pack is there.
      const names = (await readdir(from)).filter((name) => /\.(pack|rev|idx)$/.test(name)).sort((a, b) => rank(a) - rank(b));
      for (const name of names) await rename(join(from, name), join(to, name));
      if (names.length > 0) await sync(to);
    } catch (cause) {
      throw new KvError(diskErrorCode(cause), `cannot take a pushed pack over: ${(cause as Error).message}`, {
        cause,
        hint: 'check the disk; no ref was moved',
      });
    }
    await this.drop();
  }

  /** Forgets it. Idempotent. */
  async drop(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

const rank = (name: string): number => (name.endsWith('.idx') ? 1 : 0);

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A program that keeps versions of files in chunks, with one way to compress them. */
export interface BackupTool {
  readonly program: 'restic' | 'borg';
  readonly name: string;
  /** How many repositories to try: restic cuts each by a polynomial of its own, drawn at random, and finds more or less. */
  readonly draws: number;
  /** Makes an empty repository in a folder that does not exist. */
  open(folder: string): Promise<BackupRepository>;
}

export interface BackupRepository {
  readonly folder: string;
  /** Adds a file as the newest version, in one run of the program. */
  add(file: string, name: string): Promise<void>;
  /** What the newest version added, as the program has it: bytes of new chunks, before they are compressed. */
  added(): Promise<number>;
}

/** restic keeps everything encrypted; it has no other way. */
function restic(compression: 'off' | 'auto', name: string): BackupTool {
  return {
    program: 'restic',
    name,
    draws: 5,
    async open(folder) {
      const env = {
        ...process.env,
        RESTIC_REPOSITORY: folder,
        RESTIC_PASSWORD: 'bench',
        RESTIC_CACHE_DIR: `${folder}.cache`,
      };
      await run('restic', ['init', '--quiet'], { env });
      let newest = 0;
      const add = async (file: string): Promise<void> => {
        const { stdout } = await run('restic', ['backup', '--json', '--compression', compression, file], { env });
        newest = (JSON.parse(stdout.trim().split('\n').pop() as string) as { data_added: number }).data_added;
      };
      return { folder, add, added: async () => newest };
    },
  };
}

/** borg without encryption. */
function borg(compression: 'none' | 'lz4' | 'zstd', name: string): BackupTool {
  return {
    program: 'borg',
    name,
    draws: 1,
    async open(folder) {
      const env = { ...process.env, BORG_BASE_DIR: `${folder}.base` };
      await mkdir(env.BORG_BASE_DIR, { recursive: true });
      await run('borg', ['init', '--encryption', 'none', folder], { env });
      const unique = async (): Promise<number> => {
        const { stdout } = await run('borg', ['info', '--json', folder], { env });
        return (JSON.parse(stdout) as { cache: { stats: { unique_size: number } } }).cache.stats.unique_size;
      };
      let before = 0;
      const add = async (file: string, archive: string): Promise<void> => {
        await run('borg', ['create', '--compression', compression, `${folder}::${archive}`, file], { env });
      };
      const added = async (): Promise<number> => {
        const now = await unique();
        const newest = now - before;
        before = now;
        return newest;
      };
      return { folder, add, added };
    },
  };
}

export const BACKUP_TOOLS: readonly BackupTool[] = [
  restic('off', 'restic, not compressed'),
  restic('auto', 'restic, zstd (its default)'),
  borg('none', 'borg, not compressed'),
  borg('lz4', 'borg, lz4 (its default)'),
  borg('zstd', 'borg, zstd'),
];

/** Which of the programs are on this machine. */
export async function installed(): Promise<ReadonlySet<BackupTool['program']>> {
  const found = new Set<BackupTool['program']>();
  for (const [program, flag] of [
    ['restic', 'version'],
    ['borg', '--version'],
  ] as const) {
    try {
      await run(program, [flag]);
      found.add(program);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}

/** `du` of a folder, in bytes of content. */
export async function contentBytes(folder: string): Promise<number> {
  const { stdout } = await run('du', ['-s', '--apparent-size', '--block-size=1', folder]);
  return Number(stdout.split('\t')[0]);
}

import { lchown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BuiltImage, type ContainerBuilder, type ContainerBuildRequest, KvError } from '../../../ports/index.js';
import { clearAway, layDown } from '../lay-down.js';
import { buildContext } from './context.js';
import { BUILD_USER, type BuildPlace, INSIDE } from './namespace.js';
import { type Ended, runInside } from './run-inside.js';
import { dropScope, scopeStorage } from './scope-storage.js';

/** What a builder is opened with. */
export interface BuildahOptions extends BuildPlace {
  readonly program: string;
}

/** What a question about images may take, ms. */
const SHORT = 60_000;
const ID = /^sha256:[0-9a-f]{64}$/;

/** Builds by buildah, without a daemon: `chroot` isolation inside a user namespace, plain copies for layers, a storage for each scope. */
export async function buildah(options: BuildahOptions): Promise<ContainerBuilder> {
  const builder = new Buildah(options);
  const missing = await builder.missing();
  const { network } = options;
  const refused = (): KvError =>
    new KvError('NOT_SUPPORTED', 'containers are not built here', { hint: `install ${missing ?? options.program}` });
  return {
    capabilities: { available: missing === null, missing, network },
    build: (request) => (missing === null ? builder.build(request) : Promise.reject(refused())),
    has: async (scope, id) => missing === null && (await builder.has(scope, id)),
    remove: async (scope, id) => {
      if (missing === null) await builder.remove(scope, id);
    },
    forget: (scope) => dropScope(options.storage, scope),
    close: () => builder.close(),
  };
}

class Buildah {
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<unknown>>();
  private readonly owner = process.getuid?.() === 0 ? BUILD_USER : null;

  constructor(private readonly options: BuildahOptions) {}

  /** What is missing to build anything; null for nothing. */
  async missing(): Promise<string | null> {
    const { storage, program } = this.options;
    const installed = 'buildah (Debian: apt-get install buildah)';
    try {
      await mkdir(storage, { recursive: true, mode: 0o700 });
      const { exitCode, last } = await this.ask(await this.scope('probe'), ['--version']);
      if (exitCode === 0) return null;
      return exitCode === 127 || /failed to execute|not found/i.test(last) ? installed : `what ${program} needs here: ${last}`;
    } catch (error) {
      return `what ${program} needs here: ${(error as Error).message}`; // whoever asks for a build is told
    }
  }

  build(request: ContainerBuildRequest): Promise<BuiltImage> {
    const result = this.built(request);
    const settled: Promise<unknown> = result.then(
      () => this.running.delete(settled),
      () => this.running.delete(settled), // the caller has the error
    );
    this.running.add(settled);
    return result;
  }

  async has(scope: string, id: string): Promise<boolean> {
    const { exitCode } = await this.ask(await this.scope(scope), [...INSPECT, '{{.FromImageID}}', checked(id)]);
    return exitCode === 0;
  }

  async remove(scope: string, id: string): Promise<void> {
    await this.ask(await this.scope(scope), ['rmi', '--force', checked(id)]);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.running);
  }

  private async built({ scope, files, definition, time, log, ...request }: ContainerBuildRequest): Promise<BuiltImage> {
    const signal = AbortSignal.any([this.closing.signal, request.signal]);
    const storage = await this.scope(scope);
    const folder = await mkdtemp(join(storage, 'build-'));
    const idFile = join('home', `${basename(folder)}.id`);
    try {
      await layDown(folder, buildContext(files, definition), this.owner);
      if (this.owner !== null) await lchown(folder, this.owner, this.owner);
      const line = this.line(request, `${INSIDE}/${basename(folder)}`, definition, idFile);
      const { exitCode, timedOut, last } = await runInside({ ...this.options, storage }, line, { time, log, signal });
      if (timedOut) throw new KvError('EXPIRED', `the build has taken longer than ${Math.round(time / 1000)} s`);
      if (exitCode !== 0) throw new KvError('INPUT_INVALID', `the build failed: ${last || `it ended with ${exitCode}`}`);
      const id = (await readFile(join(storage, idFile), 'utf8')).trim();
      checked(id); // a build could have put anything there
      return { id, size: await this.sizeOf(storage, id) };
    } finally {
      await rm(join(storage, idFile), { force: true });
      await clearAway(folder);
    }
  }

  private line(
    { tag, args, memory }: Pick<ContainerBuildRequest, 'tag' | 'args' | 'memory'>,
    context: string,
    definition: string,
    idFile: string,
  ): string[] {
    const [program, ...images] = this.images();
    return [
      ...['prlimit', `--data=${memory}`, '--core=0', '--', program, '--signature-policy', `${INSIDE}/policy.json`, ...images],
      ...['bud', '--isolation', 'chroot', '--layers=false', '--force-rm', this.options.network ? '--pull' : '--pull-never'],
      ...['--iidfile', `${INSIDE}/${idFile}`, ...(tag === null ? [] : ['--tag', tag])],
      ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      ...['--file', `${context}/${definition}`, context],
    ];
  }

  private async sizeOf(storage: string, id: string): Promise<number> {
    const { said } = await this.ask(storage, [...INSPECT, '{{.Manifest}}', checked(id)]);
    const { layers = [] } = JSON.parse(said) as { readonly layers?: readonly { readonly size: number }[] };
    return layers.reduce((sum, { size }) => sum + size, 0);
  }

  private scope(scope: string): Promise<string> {
    const { storage, network } = this.options;
    return scopeStorage(storage, scope, network, this.owner);
  }

  private ask(storage: string, args: readonly string[]): Promise<Ended> {
    const how = { time: SHORT, log: () => undefined, signal: this.closing.signal };
    return runInside({ ...this.options, storage }, [...this.images(), ...args], how);
  }

  private images(): readonly [program: string, ...options: string[]] {
    return [
      ...([this.options.program, '--root', `${INSIDE}/images`, '--runroot', `${INSIDE}/run`] as const),
      ...['--storage-driver', 'vfs', '--storage-opt', 'vfs.ignore_chown_errors=true'],
    ];
  }
}

const INSPECT = ['inspect', '--type', 'image', '--format'] as const;

function checked(id: string): string {
  if (ID.test(id)) return id.slice('sha256:'.length);
  throw new KvError('INPUT_INVALID', 'that is no id of an image');
}

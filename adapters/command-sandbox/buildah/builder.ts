import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BuiltImage, type CommandFile, type ContainerBuilder, KvError } from '../../../ports/index.js';
import { clearAway, layDown } from '../lay-down.js';
import { BUILD_USER, type BuildPlace, INSIDE } from './namespace.js';
import { type Ended, runInside } from './run-inside.js';

/** What a builder is opened with. */
export interface BuildahOptions extends BuildPlace {
  readonly program: string;
}

/** What a probe and questions about images may take, ms. */
const SHORT = 60_000;
const ID = /^sha256:[0-9a-f]{64}$/;

/** Builds by buildah, without its daemon-like relatives: `chroot` isolation inside a user namespace, and plain copies for layers. */
export async function buildah(options: BuildahOptions): Promise<ContainerBuilder> {
  const { storage, network, program } = options;
  const owner = process.getuid?.() === 0 ? BUILD_USER : null;
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  const place: BuildPlace = options;
  const images = [
    ...[program, '--root', `${INSIDE}/images`, '--runroot', `${INSIDE}/run`, '--storage-driver', 'vfs'],
    ...['--storage-opt', 'vfs.ignore_chown_errors=true'],
  ];
  const ask = (args: readonly string[], signal = closing.signal): Promise<Ended> =>
    runInside(place, [...images, ...args], { time: SHORT, log: () => undefined, signal });

  const prepare = async (): Promise<void> => {
    await mkdir(storage, { recursive: true, mode: 0o700 });
    for (const folder of ['images', 'run', 'home']) await mkdir(join(storage, folder), { recursive: true });
    await writeFile(join(storage, 'policy.json'), policy(network));
    if (owner === null) return;
    // The names in it are root's of the namespace alone; who gets here must pass the folder above it besides.
    for (const folder of ['.', 'images', 'run', 'home']) await chown(join(storage, folder), owner, owner);
    await chmod(join(storage, 'policy.json'), 0o644);
  };
  const missing = await whatIsMissing(prepare, () => ask(['--version']));

  const built = async (request: Parameters<ContainerBuilder['build']>[0]): Promise<BuiltImage> => {
    const { files, definition, tag, args, time, memory, log } = request;
    if (missing !== null) throw new KvError('NOT_SUPPORTED', 'containers are not built here', { hint: `install ${missing}` });
    const signal = AbortSignal.any([closing.signal, request.signal]);
    const folder = await mkdtemp(join(storage, 'build-'));
    try {
      await layDown(folder, harmless(files, definition), owner);
      if (owner !== null) await chown(folder, owner, owner);
      const inside = `${INSIDE}/${basename(folder)}`;
      const id = `${basename(folder)}.id`;
      const line = [
        ...[
          'prlimit',
          `--data=${memory}`,
          '--core=0',
          '--',
          ...images.slice(0, 1),
          '--signature-policy',
          `${INSIDE}/policy.json`,
        ],
        ...[
          ...images.slice(1),
          'bud',
          '--isolation',
          'chroot',
          '--layers=false',
          '--force-rm',
          network ? '--pull' : '--pull-never',
        ],
        ...['--iidfile', `${INSIDE}/home/${id}`, ...(tag === null ? [] : ['--tag', tag])],
        ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
        ...['--file', `${inside}/${definition}`, inside],
      ];
      const { exitCode, timedOut, last } = await runInside(place, line, { time, log, signal });
      if (timedOut) throw new KvError('EXPIRED', `the build has taken longer than ${Math.round(time / 1000)} s`);
      if (exitCode !== 0) throw new KvError('INPUT_INVALID', `the build failed: ${last || `it ended with ${exitCode}`}`);
      const image = (await readFile(join(storage, 'home', id), 'utf8')).trim();
      await rm(join(storage, 'home', id), { force: true });
      return { id: image, size: await sizeOf(image) };
    } finally {
      await clearAway(folder);
    }
  };
  const sizeOf = async (id: string): Promise<number> => {
    const { said } = await ask(['inspect', '--type', 'image', '--format', '{{.Manifest}}', checked(id)]);
    const { layers = [] } = JSON.parse(said) as { readonly layers?: readonly { readonly size: number }[] };
    return layers.reduce((sum, { size }) => sum + size, 0);
  };

  return {
    capabilities: { available: missing === null, missing, network },
    build(request) {
      const result = built(request);
      const settled: Promise<unknown> = result.then(
        () => running.delete(settled),
        () => running.delete(settled), // the caller has the error
      );
      running.add(settled);
      return result;
    },
    async has(id) {
      return (
        missing === null &&
        (await ask(['inspect', '--type', 'image', '--format', '{{.FromImageID}}', checked(id)])).exitCode === 0
      );
    },
    async remove(id) {
      if (missing === null) await ask(['rmi', '--force', checked(id)]);
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

async function whatIsMissing(prepare: () => Promise<void>, version: () => Promise<Ended>): Promise<string | null> {
  const buildah = 'buildah (Debian: apt-get install buildah)';
  try {
    await prepare();
    const { exitCode, last } = await version();
    if (exitCode === 0) return null;
    return exitCode === 127 || /failed to execute|not found/i.test(last) ? buildah : `what buildah needs here: ${last}`;
  } catch (error) {
    return `what buildah needs here: ${(error as Error).message}`; // whoever asks for a build is told
  }
}

/** Images of nobody, but of registries where there is a network: not the archives and folders of this machine. */
function policy(network: boolean): string {
  const any = [{ type: 'insecureAcceptAnything' }];
  return JSON.stringify({ default: [{ type: 'reject' }], ...(network ? { transports: { docker: { '': any } } } : {}) });
}

/** What is read by buildah outside of the build must be a file: a link leads to files of this machine. */
async function* harmless(
  files: AsyncIterable<CommandFile> | Iterable<CommandFile>,
  definition: string,
): AsyncGenerator<CommandFile> {
  let found = false;
  for await (const file of files) {
    const isRead = file.path === definition || /(?:^|\/)\.(?:docker|container)ignore$/.test(file.path);
    if (isRead && file.mode === '120000') throw new KvError('INPUT_INVALID', `'${file.path}' is a link, and no file`);
    found ||= file.path === definition;
    yield file;
  }
  if (!found) throw new KvError('INPUT_INVALID', `there is no definition '${definition}'`);
}

function checked(id: string): string {
  if (ID.test(id)) return id.slice('sha256:'.length);
  throw new KvError('INPUT_INVALID', 'that is no id of an image');
}

import { type CommandFile, KvError } from '../../../ports/index.js';

/** The files of a build context. What buildah reads outside of the build must be a file: a link leads to files of this machine. */
export async function* buildContext(
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

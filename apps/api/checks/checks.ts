import type { Fault, Validator } from '../../../domain/repo/isolated.js';
import { globMatcher } from '../../../domain/repo/objects/paths.js';
import type { Candidate } from '../../../domain/repo/types.js';
import { KvError } from '../../../ports/error.js';
import type { CommandOrder, Commands } from '../commands/commands.js';
import { BUILT_IN } from '../commands/named.js';
import type { RepositorySettings } from '../pool/repository-settings.js';
import { type CheckedFile, isStructured, type Question } from './check-files.js';
import type { Checker } from './checker.js';
import { faultsIn } from './command-faults.js';

/** What a check looks at. */
type State = Pick<Candidate, 'changes' | 'read' | 'files'>;
type Rules = Pick<RepositorySettings, 'maxFileBytes' | 'schemas'>;

/** A larger file is not looked into, and files are looked into as many together, bytes. */
const LARGEST = 4 * 1024 * 1024;

/** The checks that there are: some by themselves, and the operator's commands. */
export class Checks {
  constructor(
    private readonly checker: Checker,
    private readonly commands: Commands,
  ) {}

  /** The names that a request may choose among. */
  names(): string[] {
    return [...BUILT_IN, ...this.commands.names()];
  }

  /** Throws `NOT_FOUND` for a name that isn't one of them. */
  known(names: readonly string[]): void {
    const all = this.names();
    for (const name of names) {
      if (all.includes(name)) continue;
      const hint = `choose among: ${all.join(', ')}`;
      throw new KvError('NOT_FOUND', `no check is called '${name.slice(0, 60)}'`, { hint });
    }
  }

  /** Validators by their names. A name that the operator has taken away since refuses everything, rather than nothing. */
  validators(names: readonly string[], rules: Rules, order: CommandOrder): Validator[] {
    return [...new Set(names)].map((name) => async (state) => {
      const faults = await this.run(name, rules, state, order);
      return faults.map((fault) => ({ ...fault, check: name }));
    });
  }

  private async run(name: string, rules: Rules, state: State, order: CommandOrder): Promise<readonly Fault[]> {
    switch (name) {
      case 'syntax':
        return this.look(
          state,
          (path) => isStructured(path),
          (files) => ({ kind: 'syntax', files }),
        );
      case 'size':
        return tooLarge(rules.maxFileBytes, state);
      case 'schema':
        return this.schemas(rules, state);
    }
    if (!this.commands.has(name)) return [{ path: '.', message: `the server has no command '${name}' any more` }];
    return faultsIn(name, await this.commands.run(name, state, order), state);
  }

  private async schemas({ schemas }: Rules, state: State): Promise<Fault[]> {
    const faults: Fault[] = [];
    for (const { files: glob, schema: path } of schemas) {
      const schema = await state.read(path);
      if (schema === null) faults.push({ path, message: 'there is no such schema' });
      else if (schema.content.length > LARGEST) faults.push({ path, message: `a schema has at most ${LARGEST} bytes` });
      else {
        const matches = globMatcher(glob);
        // Where the schema itself has changed, so has what is right.
        const isNew = state.changes.some((change) => change.path === path);
        const question = (files: readonly CheckedFile[]): Question => ({
          kind: 'schema',
          files,
          schema: { path, content: schema.content },
        });
        faults.push(...(await this.look(state, (each) => each !== path && matches(each), question, isNew)));
      }
    }
    return faults;
  }

  /** Asks about files of some names, a few megabytes together. */
  private async look(
    { changes, read, files }: State,
    wanted: (path: string) => boolean,
    question: (files: readonly CheckedFile[]) => Question,
    all = false,
  ): Promise<Fault[]> {
    const paths = all
      ? (await files()).flatMap(({ path, type }) => (type === 'file' && wanted(path) ? [path] : []))
      : changes.flatMap(({ path, newOid }) => (newOid !== null && wanted(path) ? [path] : []));
    const faults: Fault[] = [];
    let together: CheckedFile[] = [];
    let bytes = 0;
    const ask = async (): Promise<void> => {
      if (together.length > 0) faults.push(...(await this.checker.ask(question(together))));
      [together, bytes] = [[], 0];
    };
    for (const path of paths) {
      const file = await read(path);
      if (file === null || file.mode === '120000') continue;
      const { content } = file;
      if (content.length > LARGEST) {
        faults.push({ path, message: `larger than ${LARGEST} bytes, which are looked into` });
        continue;
      }
      if (bytes + content.length > LARGEST) await ask();
      together.push({ path, content });
      bytes += content.length;
    }
    await ask();
    return faults;
  }
}

async function tooLarge(most: number | null, { changes, read }: State): Promise<Fault[]> {
  if (most === null) return [];
  const faults: Fault[] = [];
  for (const { path, newOid } of changes) {
    const bytes = newOid === null ? 0 : ((await read(path))?.content.length ?? 0);
    if (bytes > most) faults.push({ path, message: `has ${bytes} bytes, and may have ${most}` });
  }
  return faults;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Args } from '@oclif/core';
import { KvError } from '../../../../ports/error.js';
import { findPackage } from '../../io/package-file.js';
import { print } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';

/** Where the package has each shell's script, as that shell's own folders are laid out. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: 'share/bash-completion/completions/git-kv',
  zsh: 'share/zsh/site-functions/_git-kv',
  fish: 'share/fish/vendor_completions.d/git-kv.fish',
};

/** `git kv completion`: prints the script that completes command lines. */
export class Completion extends KvCommand {
  static override summary = 'print the completion script of a shell';
  static override description =
    prose(`Commands, flags, and the keys and prefixes that this clone has, for git-kv and for git kv; nothing is fetched.
Of more than a hundred keys, the next part up to a colon or a slash is offered.

  In ~/.bashrc:                   source <(git kv completion bash)
  In ~/.zshrc, behind compinit:   source <(git kv completion zsh)
  Once for fish:                  git kv completion fish > ~/.config/fish/completions/git-kv.fish

For git kv, bash and fish want git's own completion. zsh's finds the file _git-kv in a folder of $fpath: the package has it in
share/zsh/site-functions.`);
  static override examples = ['source <(<%= config.bin %> completion bash)'];
  static override args = {
    shell: Args.string({ required: true, ignoreStdin: true, options: Object.keys(SCRIPTS), description: 'bash, zsh or fish' }),
  };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { args } = await this.input({});
    const path = SCRIPTS[args[0] ?? ''];
    if (path === undefined)
      throw new KvError('USAGE', 'completion wants a shell', { hint: `one of ${Object.keys(SCRIPTS).join(', ')}` });
    await print(await readFile(join(findPackage().root, path), 'utf8'));
  }
}

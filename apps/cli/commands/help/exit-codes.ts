import { EXIT_CODES } from '../../../exit-codes.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { exitCodesText } from '../../render/exit-codes.js';
import { print, printJson } from '../../io/terminal.js';

/** `git kv help exit-codes`: every exit status with its error codes. */
export class HelpExitCodes extends KvCommand {
  static override summary = 'explain the exit codes';
  static override description = 'Prints every exit code with the error codes that lead to it, as they stand in --json.';
  static override examples = ['<%= config.bin %> help exit-codes'];
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { flags } = await this.input({});
    if (flags.json) await printJson({ ok: true, exit_codes: EXIT_CODES });
    else await print(exitCodesText());
  }
}

import { Args } from '@oclif/core';
import { validateReality } from '../../../../domain/client/reality/validate.js';
import { KvError } from '../../../../ports/error.js';
import { contentChecks } from '../../io/content-checks.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { READ_FLAGS } from '../../parse/flags.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { formatMany } from '../../render/units.js';
import { prose } from '../../render/prose.js';
import { realityFault, validationDocument } from '../../render/values/reality.js';

/** `git kv reality validate`: whether a reality could become true. */
export class RealityValidate extends KvCommand {
  static override summary = 'check whether a reality could become true';
  static override description =
    prose(`Holds what the reality changes against all that promote will meet: what others have written since,
the policy (prefixes, sizes, who may write), the rules by which the Stargate judges a transaction; and looks into the values: JSON and
YAML by their content types, and the programs of kv.validator in this clone's configuration, which get a value on standard input, and
KV_KEY, KV_CTYPE and KV_NS. Every fault is named, one a line; with any, the exit code is that of the first.`);
  static override examples = [
    '<%= config.bin %> reality validate dark',
    "git config --add kv.validator 'jq -e . > /dev/null' && <%= config.bin %> reality validate dark --json",
  ];
  static override args = { name: Args.string({ required: true, ignoreStdin: true, description: "the reality's name" }) };
  static override flags = oclifFlags(READ_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(READ_FLAGS);
    const [name = ''] = args;
    const freshness = freshnessOf(flags);
    await this.interruptible(flags, async ({ clone, ns }) => {
      const checks = contentChecks(clone.config, ns);
      const validation = await validateReality(clone, ns, name, { ...freshness, checks });
      const { faults, keys, policy } = validation;
      const document = validationDocument(validation);
      const [first] = faults;
      if (first === undefined && flags.json === true) return printJson({ ok: true, ...document });
      if (flags.json !== true) await print(faults.map((fault) => `${realityFault(fault)}\n`).join(''));
      if (first !== undefined) {
        const many = formatMany(faults.length, 'fault');
        throw new KvError(first.code, `reality ${name} of ${ns} can't be promoted: ${many}`, {
          hint: first.hint ?? 'correct it in the reality, or begin another',
          details: document,
        });
      }
      const unknown = policy ? '' : '; no policy is known here, so that the Stargate may still refuse it';
      return print(`reality ${name} of ${ns}: ${formatMany(keys, 'key')} changed, nothing speaks against it${unknown}\n`);
    });
  }
}

import { Flags, type Interfaces } from '@oclif/core';
import type { FlagSpec, FlagTable } from '../parse/flags.js';

/** oclif's flags from a table. */
export function oclifFlags(table: FlagTable, helpGroup?: string): Interfaces.FlagInput {
  const group = helpGroup === undefined ? {} : { helpGroup };
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, oclifFlag(spec, group)]));
}

function oclifFlag(spec: FlagSpec, group: { helpGroup?: string }): Interfaces.FlagInput[string] {
  const { summary, char, value, options } = spec;
  const common = { summary, ...group, ...(char === undefined ? {} : { char: char as 'f' }) };
  if (spec.type === 'boolean')
    return Flags.boolean({
      ...common,
      ...(spec.alias === undefined ? {} : { charAliases: [spec.alias] }),
      ...(spec.allowNo ? { allowNo: true } : {}),
    });
  const shared = {
    ...common,
    helpValue: value ?? 'TEXT',
    required: spec.required ?? false,
    ...(options ? { options: [...options] } : {}),
  };
  if (spec.multiple) return Flags.string({ ...shared, multiple: true, multipleNonGreedy: true });
  return Flags.string(shared);
}

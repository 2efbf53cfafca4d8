import type { Reality } from '../../../../domain/client/reality/manage.js';
import type { Validation } from '../../../../domain/client/reality/validate.js';
import type { Fault } from '../../../../domain/verify/fault.js';
import { formatMany } from '../units.js';

/** A reality on a line: its name, what it changes, when it began, and on what. */
export function realityLine({ name, changed, made, base, behind }: Reality, width: number): string {
  const begun = base === null ? 'an empty namespace' : base.slice(0, 10);
  return `${name.padEnd(width)}  ${formatMany(changed, 'key')} changed  ${made}  on ${begun}${behind ? ', which has gone on' : ''}`;
}

/** A line for each thing that speaks against a reality. */
export const realityFault = ({ code, message }: Fault): string => `${code} ${message}`;

/** What came of a validation, as `--json` shows it. */
export function validationDocument({ ns, name, keys, policy, faults }: Validation): Record<string, unknown> {
  const shown = faults.map(({ code, message, hint, subject: { key } }) => ({
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(key === undefined ? {} : { key }),
  }));
  return { ns, name, keys, policy_known: policy, faults: shown };
}

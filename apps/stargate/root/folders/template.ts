import { join } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import type { Policy, PolicyReader } from '../../../../ports/stargate/policy-reader.js';
import { readPolicyText } from '../../repository/policy-file.js';

/** Stands for the repository's name, `owner/name`, in a template. */
const NAME = '{repository}';

/** Where the policy lies that new repositories get. */
const templateOf = (root: string): string => join(root, '.kv', 'policy.yaml');

/** The policy of a new repository where the root has no template: nobody is listed, so nobody may push. */
const NOBODY = `# What this Stargate enforces here. Nobody may push or log in yet: list the keys of admins and writers, as docs/POLICY.md says.
# A file .kv/policy.yaml in the folder of all repositories is what new ones begin with; ${NAME} in it stands for their names.
version: 1
stargate:
  admins: []
namespaces:
  main:
    writers: []
`;

/**
 * The policy of a new repository: the root's template, with the repository's name put in. Throws `CONFIG_INVALID` naming the file and line of
 * what is wrong.
 */
export async function policyFor(root: string, repository: string, reader: PolicyReader): Promise<string> {
  const text = (await readTemplate(root))?.replaceAll(NAME, repository) ?? NOBODY;
  reader.parse(text, templateOf(root));
  return text;
}

/** The policy that the listeners of a root go by: its template; null where there is none. Throws `CONFIG_INVALID`. */
export async function policyOfRoot(root: string, reader: PolicyReader): Promise<Policy | null> {
  const text = await readTemplate(root);
  return text === null ? null : reader.parse(text.replaceAll(NAME, 'owner/name'), templateOf(root));
}

async function readTemplate(root: string): Promise<string | null> {
  try {
    return await readPolicyText(templateOf(root));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // what the file system throws
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new KvError('CONFIG_INVALID', `cannot read ${templateOf(root)}: ${code ?? 'unknown'}`, { cause });
  }
}

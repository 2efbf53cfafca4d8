import type { OpenAdapter, PolicyReader } from '../../ports/index.js';
import { parsePolicy } from './parse.js';

export { parsePolicy } from './parse.js';

function yamlPolicyReader(): PolicyReader {
  return { parse: parsePolicy };
}

/** Opens the reader of policies in YAML. */
export const open: OpenAdapter<undefined, PolicyReader> = async () => yamlPolicyReader();

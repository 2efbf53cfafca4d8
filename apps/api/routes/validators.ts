import { parseAllDocuments } from 'yaml';
import type { Fault, Validator } from '../../../domain/repo/isolated.js';

const text = new TextDecoder('utf-8', { fatal: true });
/** A larger file is not looked into, bytes. */
const LARGEST = 4 * 1024 * 1024;

/** Whether files that are named as JSON or YAML are. */
export const syntax: Validator = async ({ changes, read }) => {
  const faults: Fault[] = [];
  for (const { path, newOid } of changes) {
    const kind = /\.(json|ya?ml)$/i.exec(path)?.[1]?.toLowerCase();
    if (kind === undefined || newOid === null) continue;
    const file = await read(path);
    if (file === null || file.mode === '120000') continue;
    if (file.content.length > LARGEST) faults.push({ path, message: `larger than ${LARGEST} bytes, which are looked into` });
    else faults.push(...faultsOf(path, kind, file.content));
  }
  return faults;
};

function faultsOf(path: string, kind: string, content: Uint8Array): Fault[] {
  try {
    const source = text.decode(content);
    if (kind === 'json') JSON.parse(source);
    else {
      const [error] = parseAllDocuments(source, { logLevel: 'silent' }).flatMap(({ errors }) => errors);
      const line = error?.linePos?.[0].line;
      if (error !== undefined)
        return [{ path, message: error.message.split('\n', 1)[0] ?? '', ...(line === undefined ? {} : { line }) }];
    }
    return [];
  } catch (error) {
    return [{ path, message: (error as Error).message }]; // what is wrong with it is what was asked
  }
}

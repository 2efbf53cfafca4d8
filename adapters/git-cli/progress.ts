import { isKvErrorLine } from './remote-error.js';

/** Passes git's progress on to a terminal, line by line, without the lines that are meant for this program. */
export function progressTo(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): ((chunk: string) => void) | undefined {
  if (stream.isTTY !== true) return undefined;
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk).split(/(?<=[\r\n])/);
    rest = /[\r\n]$/.test(parts.at(-1) ?? '') ? '' : (parts.pop() ?? '');
    for (const part of parts) if (!isKvErrorLine(part)) stream.write(part);
  };
}

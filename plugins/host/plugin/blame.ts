import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundPlugin } from './load-plugin.js';

/**
 * The plugin whose code began what has thrown, by the outermost file of the error's stack; undefined when it is none's. An error that
 * a plugin's own timer or listener throws, and nobody catches, is told by that.
 */
export function blamed(error: unknown, plugins: readonly FoundPlugin[]): FoundPlugin | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const outermost = [...stack.matchAll(/(?:\(|at |async )((?:file:\/\/)?\/[^\n()]*?):\d+:\d+\)?$/gm)].at(-1)?.[1];
  if (outermost === undefined) return undefined;
  const path = outermost.startsWith('file:') ? fileURLToPath(outermost) : outermost;
  const inside = plugins.filter(({ root }) => path.startsWith(`${root}${sep}`));
  // Of several in one folder, the one whose own file it is; of a package in another one's, the inner.
  return inside.find(({ file }) => file === path) ?? inside.sort((a, b) => b.root.length - a.root.length)[0];
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// A pattern of paths: two stars and a slash for any folders, a star for anything in a name, `{a,b}` for one of these.
function expressionOf(pattern) {
  const escaped = pattern
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\{([^}]*)\}/g, (_, list) => `(?:${list.replaceAll(',', '|')})`);
  const starred = escaped.replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${starred}$`);
}

/** The compiled files below a folder that are like one of these patterns, in the patterns' order, each once. */
export function filesLike(root, patterns) {
  const names = readdirSync(join(root, 'dist'), { recursive: true }).map((name) => `dist/${name}`);
  return [...new Set(patterns.flatMap((pattern) => names.filter((name) => expressionOf(pattern).test(name)).sort()))];
}

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A PATH on which git does its work and gives itself out as another version; one that tells nothing unasked is from before 2.22.
 * Each call is a line of `<folder>/calls`.
 */
export function gitPretending(folder: string, path: string, version: string, tells = true): string {
  const real = execFileSync('sh', ['-c', 'command -v git'], { env: { PATH: path }, encoding: 'utf8' }).trim();
  const edit = tells ? `s/"exe":"[^"]*"/"exe":"${version}"/` : '/^{"event":/d';
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const lines = [
    '#!/bin/sh',
    `echo "$@" >> '${folder}/calls'`,
    `for last; do :; done; [ "$last" = version ] && { echo 'git version ${version}'; exit 0; }`,
    `[ -n "$GIT_TRACE2_EVENT" ] || exec '${real}' "$@"`,
    `said='${folder}/said'.$$`,
    `'${real}' "$@" 2>"$said"; code=$?`,
    `sed '${edit}' "$said" >&2; exit $code`,
  ];
  writeFileSync(join(bin, 'git'), `${lines.join('\n')}\n`);
  chmodSync(join(bin, 'git'), 0o755);
  return `${bin}:${path}`;
}

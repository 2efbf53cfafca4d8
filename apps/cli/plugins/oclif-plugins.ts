import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Config } from '@oclif/core';
import { KvError } from '../../../ports/error.js';
import { oclifConfig } from '../oclif/config.js';
import { findPackage } from '../io/package-file.js';
import { note } from '../io/terminal.js';
import { installedNames, linkOwn, requireWritable } from './folder.js';
import { installedPlugins } from './installed.js';

type Verb = 'plugins:install' | 'plugins:uninstall';

/** Installs a package by oclif's own means, which are npm's, and looks at what it brings. Throws `PLUGIN_INVALID`, `IO_ERROR`. */
export async function installPlugin(
  folder: string,
  what: string,
  own: readonly string[],
): Promise<{ name: string; version: string }> {
  await requireWritable(folder);
  const before = await installedNames(folder);
  await oclif(folder, 'plugins:install', [packageOf(what)], `cannot install ${what}`);
  await linkOwn(folder);
  const all = await installedPlugins(own, folder);
  // Installed again, it is still the last of the list; and what was broken before says so itself.
  const installed = all.find(({ name }) => !before.includes(name)) ?? all.at(-1);
  if (installed === undefined) throw new KvError('PLUGIN_INVALID', `${what}: nothing was installed`);
  if ('error' in installed) {
    await oclif(folder, 'plugins:uninstall', [installed.name], `cannot remove ${installed.name}`);
    throw installed.error;
  }
  return installed;
}

/** Removes a package by oclif's own means. Throws `NOT_FOUND`, `IO_ERROR`. */
export async function uninstallPlugin(folder: string, name: string): Promise<void> {
  if (!(await installedNames(folder)).includes(name))
    throw new KvError('NOT_FOUND', `no plugin ${name} is installed`, { hint: 'git kv plugins list' });
  await requireWritable(folder);
  await oclif(folder, 'plugins:uninstall', [name], `cannot remove ${name}`);
}

/** A path stands for the package that lies there; oclif would take it for a repository at a host. Throws `NOT_FOUND`. */
function packageOf(what: string): string {
  if (!what.startsWith('@') && existsSync(what)) return `file:${resolve(what)}`;
  if (/^(?:file:|https?:|git)/.test(what) || !/^\.{0,2}\/|\.(?:tgz|tar\.gz)$/.test(what)) return what;
  throw new KvError('NOT_FOUND', `cannot install ${what}: there is no such file`, { hint: 'correct the path' });
}

async function oclif(folder: string, verb: Verb, args: readonly string[], what: string): Promise<void> {
  const { root, pjson } = findPackage();
  const config = await Config.load({
    root,
    pjson: { ...pjson, oclif: oclifConfig() } as never,
    userPlugins: false,
    devPlugins: false,
  });
  config.dataDir = folder;
  const { commands } = await import('@oclif/plugin-plugins');
  const silent = verb === 'plugins:install' ? ['--silent'] : [];
  try {
    await quietly(() => commands[verb].run([...args, ...silent], config as never)); // its oclif is this one
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KvError('IO_ERROR', `${what}: ${message}`, {
      cause,
      hint: 'npm does this: try npm install of the same package in an empty folder, and see what it says',
    });
  }
}

/** oclif's progress goes to standard output, where a script expects this program's own word. */
async function quietly(work: () => Promise<unknown>): Promise<void> {
  const write = process.stdout.write;
  process.stdout.write = ((chunk: string | Uint8Array) => {
    const text = String(chunk).trim();
    if (text !== '') note(text);
    return true;
  }) as typeof write; // nobody here passes more
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
}

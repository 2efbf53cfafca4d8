#!/usr/bin/env node
// Starts git kv. What scripts call in loops is one file (`scripts/bundle.mjs`), and most of the time that a start takes is V8's, compiling
// it: so the compiled form is kept in the user's cache, for each command, of which each compiles other functions.
import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const BUNDLE = new URL('../dist/bin/git-kv.js', import.meta.url);
const LOOPED = ['get', 'list', 'set', 'del', 'cas', 'mset'];
const A_MONTH = 30 * 24 * 60 * 60 * 1000;
const env = process.env;

/** The folder for compiled code; null: nowhere. Nothing above the user's home is made. */
function cacheFolder() {
  if (env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE || !process.getuid) return null;
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg && isAbsolute(xdg) ? xdg : env.HOME && isAbsolute(env.HOME) ? join(env.HOME, '.cache') : null;
  return base && join(base, 'git-kv', 'compiled');
}

/** Only what this user has written, and nobody else can change, is run. */
const isOwn = ({ uid, mode }) => uid === process.geteuid() && (mode & 0o022) === 0;

/** Whether a folder is there, and nobody else puts anything in it. */
function isOwnFolder(folder) {
  try {
    return isOwn(statSync(folder));
  } catch {
    return false; // it isn't there
  }
}

/** The file's digest, and what follows it. */
function readCache(file) {
  try {
    const fd = openSync(file, 'r');
    try {
      if (!isOwn(fstatSync(fd))) return undefined;
      const bytes = readFileSync(fd);
      const data = bytes.subarray(20);
      return sha1(data).equals(bytes.subarray(0, 20)) ? data : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // it isn't there, or can't be read: the code is compiled
  }
}

/** Whole, or not at all: others may read it at this moment. */
function writeCache(file, data) {
  const folder = dirname(file);
  const written = `${file}.${process.pid}`;
  for (const path of [dirname(dirname(folder)), dirname(folder), folder]) attempt(() => mkdirSync(path, { mode: 0o700 }));
  if (!isOwnFolder(folder)) return;
  attempt(() => {
    writeFileSync(written, Buffer.concat([sha1(data), data]), { mode: 0o600, flag: 'wx' });
    renameSync(written, file);
    dropOld(folder);
  });
  attempt(() => rmSync(written, { force: true }));
}

/** What can't be kept is compiled again: no command fails for it. */
function attempt(step) {
  try {
    step();
  } catch {
    // the folder is there already, or nothing can be written
  }
}

/** Removes what versions before have left. What is still in use is written again. */
function dropOld(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile() && Date.now() - statSync(path).mtimeMs > A_MONTH) rmSync(path, { force: true });
  }
}

const sha1 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha1')).digest();

async function start(source, args) {
  const folder = cacheFolder();
  const filename = BUNDLE.href;
  const command = LOOPED.includes(args[0]) ? args[0] : 'other';
  const version = sha1(process.version, process.arch, source).toString('hex');
  const file = folder && join(folder, `${command}-${version.slice(0, 20)}`);
  const cachedData = file ? readCache(file) : undefined;
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
  const exported = { exports: {} };
  const importLater = (path) => import(new URL(path, BUNDLE).href);
  script.runInThisContext()(exported.exports, createRequire(BUNDLE), exported, importLater, filename);
  if (folder && isOwnFolder(folder)) module.enableCompileCache?.(folder); // of what else is loaded, by a Node that can
  const code = await exported.exports.main(args);
  if (file && (!cachedData || script.cachedDataRejected)) writeCache(file, script.createCachedData());
  return code;
}

let source = null;
try {
  source = readFileSync(fileURLToPath(BUNDLE), 'latin1'); // it is ASCII
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
if (source !== null) process.exit(await start(source, process.argv.slice(2)));
console.error('error: git-kv is not built\nhint: run in its folder: npm install && npm run build');
process.exit(78);

import type { Command } from '@oclif/core';
import { Blame } from './blame.js';
import { CasSet } from './cas/set.js';
import { Compact } from './compact.js';
import { Del } from './del.js';
import { Completion } from './completion.js';
import { Diff } from './diff.js';
import { EpochNew } from './epoch/new.js';
import { Get } from './get.js';
import { HelpExitCodes } from './help/exit-codes.js';
import { Help } from './help/index.js';
import { History } from './history.js';
import { Import } from './import.js';
import { Init } from './init.js';
import { List } from './list.js';
import { MirrorImport } from './mirror/import.js';
import { Mset } from './mset.js';
import { PluginNew } from './plugin/new.js';
import { PluginsInstall } from './plugins/install.js';
import { PluginsList } from './plugins/list.js';
import { PluginsUninstall } from './plugins/uninstall.js';
import { RealityDiff } from './reality/diff.js';
import { RealityDrop } from './reality/drop.js';
import { RealityList } from './reality/list.js';
import { RealityNew } from './reality/new.js';
import { RealityPromote } from './reality/promote.js';
import { RealityValidate } from './reality/validate.js';
import { RemoteSetup } from './remote/setup.js';
import { Restore } from './restore.js';
import { Revert } from './revert.js';
import { SetKey } from './set.js';
import { Snapshot } from './snapshot.js';
import { StargateStatus } from './stargate/status.js';
import { StargateSync } from './stargate/sync.js';
import { Verify } from './verify.js';
import { Wait } from './wait.js';
import { Watch } from './watch.js';

/** Every command by its id, in the order of the reference. */
export const COMMANDS: Readonly<Record<string, Command.Class>> = {
  init: Init,
  'remote:setup': RemoteSetup,
  get: Get,
  set: SetKey,
  del: Del,
  mset: Mset,
  'cas:set': CasSet,
  list: List,
  history: History,
  diff: Diff,
  blame: Blame,
  revert: Revert,
  restore: Restore,
  watch: Watch,
  wait: Wait,
  snapshot: Snapshot,
  import: Import,
  'mirror:import': MirrorImport,
  'reality:new': RealityNew,
  'reality:list': RealityList,
  'reality:diff': RealityDiff,
  'reality:validate': RealityValidate,
  'reality:promote': RealityPromote,
  'reality:drop': RealityDrop,
  verify: Verify,
  'epoch:new': EpochNew,
  compact: Compact,
  'stargate:status': StargateStatus,
  'stargate:sync': StargateSync,
  'plugin:new': PluginNew,
  'plugins:install': PluginsInstall,
  'plugins:list': PluginsList,
  'plugins:uninstall': PluginsUninstall,
  completion: Completion,
  help: Help,
  'help:exit-codes': HelpExitCodes,
};

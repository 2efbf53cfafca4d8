import type { Command } from '@oclif/core';
import { Blame } from './history/blame.js';
import { CasSet } from './keys/cas-set.js';
import { Compact } from './epochs/compact.js';
import { Del } from './keys/del.js';
import { Completion } from './help/completion.js';
import { Diff } from './history/diff.js';
import { EpochNew } from './epochs/epoch-new.js';
import { Get } from './keys/get.js';
import { HelpExitCodes } from './help/exit-codes.js';
import { Help } from './help/index.js';
import { History } from './history/history.js';
import { Import } from './transfer/import.js';
import { Init } from './setup/init.js';
import { List } from './keys/list.js';
import { MirrorImport } from './transfer/mirror-import.js';
import { Mset } from './keys/mset.js';
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
import { RemoteSetup } from './setup/remote-setup.js';
import { Restore } from './history/restore.js';
import { Revert } from './history/revert.js';
import { SetKey } from './keys/set.js';
import { Snapshot } from './transfer/snapshot.js';
import { StargateStatus } from './stargate/status.js';
import { StargateSync } from './stargate/sync.js';
import { Verify } from './history/verify.js';
import { Wait } from './watch/wait.js';
import { Watch } from './watch/watch.js';

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

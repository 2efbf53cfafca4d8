import type { Command } from '@oclif/core';
import { CasSet } from './cas/set.js';
import { Del } from './del.js';
import { EpochNew } from './epoch/new.js';
import { Get } from './get.js';
import { HelpExitCodes } from './help/exit-codes.js';
import { Help } from './help/index.js';
import { History } from './history.js';
import { Init } from './init.js';
import { List } from './list.js';
import { Mset } from './mset.js';
import { RemoteSetup } from './remote/setup.js';
import { SetKey } from './set.js';
import { StargateStatus } from './stargate/status.js';
import { Wait } from './wait.js';

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
  wait: Wait,
  'epoch:new': EpochNew,
  'stargate:status': StargateStatus,
  help: Help,
  'help:exit-codes': HelpExitCodes,
};

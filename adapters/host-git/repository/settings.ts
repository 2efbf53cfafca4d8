/** The Git configuration of a Stargate's repository, set by init and checked at start. */
export const GIT_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['receive.fsckObjects', 'true'],
  // A git before 2.36 passes over it. Its forerunner, `core.fsyncObjectFiles`, would make a newer git warn on every push, and is not
  // needed: whatever comes is kept as packs, which every git syncs.
  ['core.fsync', 'objects,derived-metadata,reference'],
  ['receive.procReceiveRefs', 'refs'],
  ['receive.advertisePushOptions', 'false'],
  ['receive.autogc', 'false'],
  ['receive.maxInputSize', '2g'],
  ['receive.unpackLimit', '1'],
  ['uploadpack.allowFilter', 'true'],
  ['uploadpack.allowAnySHA1InWant', 'false'],
  ['http.receivepack', 'false'],
];

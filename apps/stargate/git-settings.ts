/** The Git configuration of a Stargate's repository, set by init and checked at start. */
export const GIT_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['receive.fsckObjects', 'true'],
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

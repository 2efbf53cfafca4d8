import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { getMetadataStorage, type ValidationError, validateSync } from 'class-validator';
import type { Faults, Path } from './faults.js';
import { meant } from '../../ports/grammar/nearest.js';

/** Checks a mapping's shape and gives it as an instance. Faults are added under `at`. */
export function shaped<T extends object>(type: ClassConstructor<T>, plain: object, at: Path, faults: Faults): T {
  const instance = plainToInstance(type, plain);
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: true, value: true },
  });
  for (const error of errors) report(error, at, faults);
  reportDropped(plain, instance, at, faults);
  return instance;
}

/** class-transformer leaves out `__proto__` and `constructor` without a word, and nothing in a policy may be dropped. */
function reportDropped(plain: object, instance: object, at: Path, faults: Faults): void {
  for (const [key, value] of Object.entries(plain)) {
    const path = [...at, Array.isArray(plain) ? Number(key) : key];
    const made: unknown = Object.hasOwn(instance, key) ? (instance as Record<string, unknown>)[key] : undefined;
    if (made === undefined) faults.add(path, 'unknown key');
    else if (isObject(value) && isObject(made)) reportDropped(value, made, path, faults);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function report(error: ValidationError, at: Path, faults: Faults): void {
  const inList = Array.isArray(error.target);
  const path = [...at, inList ? Number(error.property) : error.property];
  const constraints = error.constraints ?? {};
  if ('whitelistValidation' in constraints) {
    faults.add(path, `unknown key${meant(error.property, knownKeys(error.target))}`);
  } else {
    const own = Object.entries(constraints).filter(([name]) => name !== 'nestedValidation' && name !== 'unknownValue');
    const messages = own.length > 0 ? own.map(([, message]) => message) : Object.keys(constraints).map(() => 'must be a mapping');
    for (const message of messages) faults.add(path, error.value === undefined ? `is missing; ${message}` : message);
  }
  // A list where a mapping belongs is one fault, not one for every index.
  if (!('isMapping' in constraints)) for (const child of error.children ?? []) report(child, path, faults);
}

function knownKeys(target: object | undefined): string[] {
  if (target === undefined) return [];
  const metadata = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', true, false);
  return [...new Set(metadata.map((one) => one.propertyName))];
}

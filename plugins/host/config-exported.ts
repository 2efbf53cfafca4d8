// `git-kv/config`: what a plugin's Config is made of. The code is class-validator's and class-transformer's, inside of this package; the
// types are written out, because neither is installed where this package is, and without them every decorator would be `any`.
import { rules, Type as typeOf } from './decorators.js';

/** What every rule takes besides. */
export interface RuleOptions {
  /** Of a list: the rule is for each of its items. */
  readonly each?: boolean;
  /** Instead of the rule's own words. */
  readonly message?: string;
}

/** What `IsNumber` lets through. */
export interface NumberRule {
  readonly allowNaN?: boolean;
  readonly allowInfinity?: boolean;
  readonly maxDecimalPlaces?: number;
}

/** What `IsUrl` lets through; those that class-validator has besides may be given too. */
export interface UrlRule {
  /** Default: http, https and ftp. */
  readonly protocols?: string[];
  /** Whether a host's name must have a dot and a top-level domain. Default: yes, so `localhost` is none. */
  readonly require_tld?: boolean;
  /** Whether it must begin with a protocol. Default: no. */
  readonly require_protocol?: boolean;
  readonly require_port?: boolean;
  readonly [more: string]: unknown;
}

/** A rule of one's own. */
export interface OwnRule {
  /** What the rule is called, once for each property. */
  readonly name: string;
  readonly validator: {
    /** Whether the value may be. */
    validate(value: unknown): boolean;
    /** What is said when it may not. */
    defaultMessage(): string;
  };
}

/** An array of at most so many items. */
export const ArrayMaxSize: (most: number, options?: RuleOptions) => PropertyDecorator = rules.ArrayMaxSize;
/** An array with an item. */
export const ArrayNotEmpty: (options?: RuleOptions) => PropertyDecorator = rules.ArrayNotEmpty;
/** An array. */
export const IsArray: (options?: RuleOptions) => PropertyDecorator = rules.IsArray;
/** `true` or `false`. */
export const IsBoolean: (options?: RuleOptions) => PropertyDecorator = rules.IsBoolean;
/** One of these values. */
export const IsIn: (values: readonly unknown[], options?: RuleOptions) => PropertyDecorator = rules.IsIn;
/** A whole number. */
export const IsInt: (options?: RuleOptions) => PropertyDecorator = rules.IsInt;
/** Neither `''` nor null nor left out. */
export const IsNotEmpty: (options?: RuleOptions) => PropertyDecorator = rules.IsNotEmpty;
/** A number. */
export const IsNumber: (rule?: NumberRule, options?: RuleOptions) => PropertyDecorator = rules.IsNumber;
/** May be left out; all other rules are for what is there. */
export const IsOptional: (options?: RuleOptions) => PropertyDecorator = rules.IsOptional;
/** A TCP port, as text. */
export const IsPort: (options?: RuleOptions) => PropertyDecorator = rules.IsPort;
/** Text. */
export const IsString: (options?: RuleOptions) => PropertyDecorator = rules.IsString;
/** A URL. */
export const IsUrl: (rule?: UrlRule, options?: RuleOptions) => PropertyDecorator = rules.IsUrl;
/** Text with so many characters. */
export const Length: (least: number, most?: number, options?: RuleOptions) => PropertyDecorator = rules.Length;
/** Text that matches. */
export const Matches: (pattern: RegExp, options?: RuleOptions) => PropertyDecorator = rules.Matches;
/** A number that is at most this. */
export const Max: (most: number, options?: RuleOptions) => PropertyDecorator = rules.Max;
/** Text with at most so many characters. */
export const MaxLength: (most: number, options?: RuleOptions) => PropertyDecorator = rules.MaxLength;
/** A number that is at least this. */
export const Min: (least: number, options?: RuleOptions) => PropertyDecorator = rules.Min;
/** Text with at least so many characters. */
export const MinLength: (least: number, options?: RuleOptions) => PropertyDecorator = rules.MinLength;
/** A rule of one's own. */
export const ValidateBy: (rule: OwnRule, options?: RuleOptions) => PropertyDecorator = rules.ValidateBy;
/** All other rules count where this says so. */
export const ValidateIf: (counts: (config: object, value: unknown) => boolean, options?: RuleOptions) => PropertyDecorator =
  rules.ValidateIf;
/** A mapping, or a list of them, with rules of its own; `Type` says of which class. */
export const ValidateNested: (options?: RuleOptions) => PropertyDecorator = rules.ValidateNested;
/** The class of a nested mapping: `@ValidateNested() @Type(() => Bounds) bounds = new Bounds()`. */
export const Type: (of: () => new () => object) => PropertyDecorator = typeOf;

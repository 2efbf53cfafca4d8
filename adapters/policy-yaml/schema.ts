import 'reflect-metadata'; // class-transformer's @Type reads it
import { Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import { IsCount, IsDuration, IsList, IsMapping, IsOneOf, IsSize, IsYesNo, MayBeNull, MayMiss } from './fields.js';

/** The policy file's mappings, as they are written. Values that need more than a shape are checked in build.ts. */

/** What `stargate` says, of all namespaces. */
export class StargateBlock {
  @MayBeNull() push_url?: unknown;
  /** Its keys are the names of servers. */
  @MayMiss() @IsMapping() push_urls?: object;
  @MayMiss() @IsOneOf('quorum', 'standby', 'leader') ack?: 'quorum' | 'standby' | 'leader';
  @MayMiss() @IsOneOf('refuse', 'forward') standby?: 'refuse' | 'forward';
  @MayBeNull() read_url?: unknown;
  @MayMiss() @IsYesNo() require_mirror_ack_by_default?: boolean;
  @MayMiss() @IsYesNo() require_repository_id?: boolean;
  @MayMiss() @IsSize() min_free_space?: unknown;
  @MayMiss() @IsCount(1000, 100_000_000) max_push_objects?: number;
  @MayMiss() @IsCount(1, 256) max_connections_per_key?: number;
  /** Its keys are those of a table: limits.ts. */
  @MayMiss() @IsMapping() limits?: object;
  @MayMiss() @IsList('public keys') admins?: unknown[];
  @MayMiss() @IsList('public keys') readers?: unknown[];
}

/** `chunking` of a namespace: how large values are cut. */
export class ChunkingBlock {
  @IsOneOf('fastcdc', 'fixed') mode!: 'fastcdc' | 'fixed';
  @MayMiss() @IsSize() min?: unknown;
  @MayMiss() @IsSize() avg?: unknown;
  @MayMiss() @IsSize() max?: unknown;
  @MayMiss() @IsCount(0, 3) nc?: number;
  @MayMiss() @IsSize() size?: unknown;
}

/** `retention` of a namespace: when keys expire and epochs go. */
export class RetentionBlock {
  @MayBeNull() @IsDuration() ttl_default?: unknown;
  @MayMiss() @IsYesNo() enforce_readside?: boolean;
  @MayBeNull() @IsCount(0, 1_000_000) keep_epochs?: number | null;
}

/** `verify` of a namespace: how much of a push is recomputed. */
export class VerifyBlock {
  @MayMiss() @IsOneOf('auto', 'full', 'sampled') mode?: 'auto' | 'full' | 'sampled';
  @MayBeNull() @IsCount(1, 1_000_000) sample_size?: number | null;
  @MayMiss() @IsCount(0, 1_000_000_000) full_limit?: number;
}

/** One item of `forbidden` of a namespace. */
export class ForbiddenItem {
  @IsYesNo() lfs!: boolean;
}

/** What `namespaces` says of one namespace. */
export class NamespaceBlock {
  @MayMiss() @IsOneOf('linear', 'sequenced') ledger_mode?: 'linear' | 'sequenced';
  @MayMiss() @IsYesNo() require_signed_commits?: boolean;
  @MayMiss() @IsSize() max_value_inline?: unknown;
  @MayMiss() @IsSize() max_value_total?: unknown;
  @MayMiss() @IsMapping() @ValidateNested() @Type(() => ChunkingBlock) chunking?: ChunkingBlock;
  @MayMiss() @IsList('key prefixes') allowed_prefixes?: unknown[];
  @MayMiss() @IsList('public keys') writers?: unknown[];
  @MayMiss() @IsList('mappings such as { lfs: true }') @ValidateNested() @Type(() => ForbiddenItem) forbidden?: ForbiddenItem[];
  @MayMiss() @IsMapping() @ValidateNested() @Type(() => RetentionBlock) retention?: RetentionBlock;
  @MayMiss() @IsMapping() @ValidateNested() @Type(() => VerifyBlock) verify?: VerifyBlock;
}

/** The whole document. */
export class PolicyFile {
  @IsOneOf(1) version!: 1;
  @MayMiss() @IsMapping() @ValidateNested() @Type(() => StargateBlock) stargate?: StargateBlock;
  /** Its keys are names, so each value is checked on its own, as a NamespaceBlock. */
  @MayMiss() @IsMapping() namespaces?: Record<string, unknown>;
}

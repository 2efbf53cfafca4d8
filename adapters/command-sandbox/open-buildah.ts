import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsArray, IsBoolean, IsOptional, IsString } from 'class-validator';
import type { ContainerBuilder, OpenAdapter } from '../../ports/index.js';
import { buildah } from './buildah/builder.js';

/** What builds are made with. */
export class Config {
  /** Where images are kept; without one, in a folder that goes when the builder is closed. */
  @IsOptional()
  @IsString()
  storage?: string;

  /** Folders that no build is to see, absolute. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  hide: string[] = [];

  /** Whether builds reach the network: without it there are no images of registries. */
  @IsOptional()
  @IsBoolean()
  network = false;

  /** The program. */
  @IsOptional()
  @IsString()
  program = 'buildah';
}

/** Opens a builder; where buildah isn't installed it says so, and builds nothing. */
export const open: OpenAdapter<Config, ContainerBuilder> = async ({ storage, ...config }) => {
  const own = storage === undefined ? await mkdtemp(join(tmpdir(), 'git-kv-images-')) : null;
  const builder = await buildah({ ...config, storage: storage ?? own ?? '' });
  if (own === null) return builder;
  return {
    ...builder,
    async close() {
      await builder.close();
      await rm(own, { recursive: true, force: true });
    },
  };
};

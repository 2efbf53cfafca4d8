import { resolve } from 'node:path';
import { ArrayNotEmpty, IsArray, IsInt, IsNotEmpty, IsOptional, IsString, Max, Min } from 'class-validator';
import type { GatewayOptions } from './gateway.js';

/** Where etcd is, and how both sides know each other: what the configurations of adapters over etcd have in common. */
export class EtcdConfig {
  /** Client addresses of the members of one etcd cluster: `http://HOST:PORT`, or `https://HOST:PORT`. */
  @IsArray()
  @ArrayNotEmpty()
  @IsString({ each: true })
  endpoints!: string[];

  /** How long one endpoint may take for an answer before the next is asked, milliseconds. */
  @IsInt()
  @Min(50)
  @Max(60_000)
  timeoutMs = 2000;

  /** A file with the certificate authorities of etcd's certificates, from the repository's folder; those that Node trusts when absent. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  ca?: string;

  /** This side's certificate, for an etcd that asks for one. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  cert?: string;

  /** The certificate's private key. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  certKey?: string;

  /** The user of etcd to log in as, where etcd has authentication switched on and doesn't take the certificate for that. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  user?: string;

  /** The file with that user's password, which nobody else may read, from the repository's folder. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  passwordFile?: string;
}

/** The options that a configuration spells; paths in it start at a folder. */
export function gatewayOptions(config: EtcdConfig, folder: string): GatewayOptions {
  const { endpoints, timeoutMs, ca, cert, certKey, user, passwordFile } = config;
  const from = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(folder, path));
  const login = { user, passwordFile: from(passwordFile) };
  return { endpoints, timeoutMs, ca: from(ca), cert: from(cert), certKey: from(certKey), ...login };
}

import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsNotEmpty, IsOptional, IsString } from 'class-validator';

/** Where links of the chain go. */
export class Config {
  /** The folder that bundles and manifests are written to; from the Stargate's repository, where it is no absolute path. */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  folder?: string;

  /** A program with its arguments, which gets each link on its standard input and has taken it when it ends with 0. No shell reads it. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  command?: string[];

  /** The private key that manifests are signed with, as ssh-keygen reads it; its `.pub` lies beside it. */
  @IsString()
  @IsNotEmpty()
  key = '.stargate/ssh_host_ed25519_key';
}

import { IsIn, IsNotEmpty, IsNumber, IsOptional, IsString, IsUrl, Max, Min } from 'class-validator';

/** Where spans go. What is not said here, and all secrets, are the OTEL_* variables' of the daemon's environment. */
export class Config {
  /** The collector's address, without `v1/traces`. Absent: OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318. */
  @IsOptional()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] }, { message: 'must be an HTTP address' })
  endpoint?: string;

  /** OTLP in protobuf or in JSON, over HTTP. */
  @IsIn(['http/protobuf', 'http/json'])
  protocol: 'http/protobuf' | 'http/json' = 'http/protobuf';

  /** The part of the traces that begin here which is recorded, 0 to 1. Those that a client has begun are recorded as it says. */
  @IsNumber()
  @Min(0)
  @Max(1)
  ratio = 1;

  /** What these spans are said to be of. */
  @IsString()
  @IsNotEmpty()
  service = 'stargate';
}

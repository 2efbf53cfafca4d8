import 'reflect-metadata'; // class-transformer's @Type reads it
/** `git-kv/config`: what a plugin's Config is made of, where the package doesn't bring class-validator itself. */
export { Type } from 'class-transformer';
export {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsPort,
  IsString,
  IsUrl,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';

// In a module of its own: what validates a configuration is loaded where there is one, and no part of a start that reads none.
import 'reflect-metadata'; // class-transformer's @Type reads it, should a Config nest

export { plainToInstance } from 'class-transformer';
export { getMetadataStorage, validateSync } from 'class-validator';

// In a module of its own: declarations of a module that imports these name packages that a plugin's author hasn't.
import 'reflect-metadata'; // class-transformer's @Type reads it

export { Type } from 'class-transformer';
export * as rules from 'class-validator';

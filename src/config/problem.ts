import type { KeyPath } from './locate.js';

/** Something wrong with a configuration. The message is a sentence or two: the option, what is wrong, the remedy. */
export interface Problem {
  readonly file: string;
  /** From 1; undefined where the file as a whole is meant. */
  readonly line?: number;
  /** The option's name with its tables, `limits.connections`, where it is about one. */
  readonly option?: string;
  readonly message: string;
}

/** Of what a check finds, before file and line are known. The path is where it stands, or where it should. */
export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
}

/** `postern.toml:12: limits.connections is 0; expected …` */
export function problemLine({ file, line, message }: Problem): string {
  return `${file}:${line === undefined ? '' : `${line}:`} ${message}`;
}

/** `listen.port`: the line tells which of several tables it is. */
export function optionName(path: KeyPath): string {
  return path.filter((key) => typeof key === 'string').join('.');
}

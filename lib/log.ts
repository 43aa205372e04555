/**
 * The log as the protocols see it: events with fields, one line each. What a field can hold keeps secrets and content out by
 * construction: no objects, no buffers, no errors, and addresses only as what they are, so that the host decides whether
 * they are shown.
 */
import type { Secret } from '#lib/keys/secret';

/** Whose address it is: that of a client's machine, or of a person (a mail address, a user name). */
export type AddressKind = 'peer' | 'person';

/** An address in a field. The log shows it where the host has chosen so, and `[address]` otherwise. */
export class LoggedAddress {
  readonly kind: AddressKind;
  readonly #text: string;

  constructor(kind: AddressKind, text: string) {
    this.kind = kind;
    this.#text = text;
  }

  /** The address itself, for the log that may show it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[address]';
  }

  toJSON(): string {
    return '[address]';
  }
}

/** A secret is printed as `[secret]`. */
export type LogValue = string | number | boolean | LoggedAddress | Secret;

/** The fields of an event. Those named here are the log's own. */
export type LogFields = Readonly<Record<string, LogValue>> & {
  readonly time?: never;
  readonly level?: never;
  readonly event?: never;
};

/**
 * `event` is a short phrase that is always the same for the same event (`session opened`); what differs goes into fields. No
 * message's content, no subject and no password belongs into either.
 */
export interface Log {
  /** What has failed and needs somebody. */
  error(event: string, fields?: LogFields): void;
  /** What somebody should look at. */
  warn(event: string, fields?: LogFields): void;
  /** What an administrator wants to know when all is well: start, stop, logins. */
  info(event: string, fields?: LogFields): void;
  /** What helps to find a fault. */
  debug(event: string, fields?: LogFields): void;
  /** The same log with these fields in every line. */
  with(fields: LogFields): Log;
}

/** The address of a client's machine as a field's value. */
export function peerAddress(address: string): LoggedAddress {
  return new LoggedAddress('peer', address);
}

/** A mail address or a user name as a field's value. */
export function personAddress(address: string): LoggedAddress {
  return new LoggedAddress('person', address);
}

/** A log that keeps nothing. */
export const SILENT: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  with: () => SILENT,
};

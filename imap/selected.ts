import { Numbering } from './numbering.js';

/** A mailbox that the provider has selected for this session, or none, as its responses have told. */
export class Selected {
  readonly numbering = new Numbering();
  /** UIDVALIDITY (RFC 9051 §2.3.1.1): with the mailbox's name and a UID it names a message for ever. */
  uidValidity: number | undefined;
}

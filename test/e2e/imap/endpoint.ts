/** Where an IMAP client may connect, and what may stand between it and the provider. Everything in this folder is written against these. */

/** Clear text to the end, TLS from the first octet, or STARTTLS before the login. */
export type Security = 'none' | 'implicit' | 'starttls';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: Security;
  /** File with the certificate authority (PEM) that the server's certificate is to be verified by. */
  readonly ca: string;
  readonly user: string;
  readonly password: string;
}

/** A server of our own, in a temporary folder. */
export interface MailServer {
  readonly name: 'Dovecot' | 'Cyrus';
  /** Where a user is served. The user is made, with an empty INBOX, when it is asked for the first time. */
  readonly endpoint: (user: string, tls?: Security) => Endpoint;
  /** The process that all others of the server come from. */
  readonly pid: number;
  readonly log: () => string;
  /** Ends the server and removes its folder. */
  readonly stop: () => Promise<void>;
}

/** Something that stands before a provider: a relay, the proxy. */
export interface Interposed {
  /** Where it serves the user of the provider's endpoint that it was made for. */
  readonly endpoint: Endpoint;
  readonly close: () => Promise<void>;
}

/** Puts something before a provider. */
export type Interpose = (provider: Endpoint) => Promise<Interposed>;

/** Nothing in between. */
export const direct: Interpose = (provider) => Promise.resolve({ endpoint: provider, close: () => Promise.resolve() });

/** The password of every user. */
export const PASSWORD = 'redshank-and-ruff-27';

import type { Log } from '#lib/log';
import type { Connection } from '#lib/net/connection';

/** A client's connection as the listener hands it to a protocol. Limits and TLS at the start are done with. */
export interface Accepted {
  /** Unique in this process; in every line of `log`. */
  readonly id: string;
  readonly connection: Connection;
  /** True where TLS has been established already. */
  readonly secure: boolean;
  /** Where the client is. An IPv4 address is written as one, also where the listener's is IPv6. */
  readonly peer: { readonly address: string; readonly port: number };
  /**
   * STARTTLS, where it is offered. Call it once, when the reply that announces the handshake has been written and no `read` is
   * waiting, and use the connection that it resolves to instead of the old one. It rejects with ConnectionError, and the
   * connection is lost, where octets came before the handshake or the handshake failed. Where `secure` is false and there is
   * no `upgrade`, the host has chosen to go without TLS on a loopback address.
   */
  readonly upgrade?: () => Promise<Connection>;
  readonly log: Log;
  /** Aborted when the session has to end. The reason is an Error whose message is a sentence for the client. */
  readonly signal: AbortSignal;
}

/**
 * A protocol's session. It resolves when it has ended the connection in an orderly way, and whatever is open then is destroyed.
 * When it rejects, the error goes to the log and the connection is destroyed.
 */
export type Serve = (accepted: Accepted) => Promise<void>;

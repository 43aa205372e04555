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
   * STARTTLS, where it is offered. Call it once, while no `read` is waiting and right after the write of the reply that invites to
   * the handshake, without awaiting anything in between: what is there at this moment and has not been read came before the
   * handshake. It rejects with ConnectionError in that case (`injected`) and when the handshake fails, and the connection is lost
   * then. Otherwise use the connection that it resolves to instead of the old one. What the session itself has read and not yet
   * looked at is for the session to refuse. Where `secure` is false and there is no `upgrade`, the host has chosen to go without TLS
   * on a loopback address.
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

/** Who may come in: limits on connections in total, and from one address. */
import { type Log, peerAddress } from '#lib/log';
import { networkOf } from './peer.js';

export interface AdmissionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** Milliseconds between two lines about the clients that were refused: who is flooded with connections should not be with lines. */
const REPORT_INTERVAL = 60_000;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #perNetwork = new Map<string, number>();
  #total = 0;
  #unreported = 0;
  #reported = -Infinity;

  constructor(limits: AdmissionLimits, log: Log, now: () => number = Date.now) {
    this.#limits = limits;
    this.#log = log;
    this.#now = now;
  }

  /** Counts a connection from this address and returns what ends the count; undefined where there are too many, which is logged. */
  enter(address: string): (() => void) | undefined {
    const network = networkOf(address);
    const count = this.#perNetwork.get(network) ?? 0;
    const limit = this.#reached(count);
    if (limit !== undefined) {
      this.#report(limit, address);
      return undefined;
    }
    this.#total += 1;
    this.#perNetwork.set(network, count + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#total -= 1;
      const left = (this.#perNetwork.get(network) ?? 1) - 1;
      if (left > 0) this.#perNetwork.set(network, left);
      else this.#perNetwork.delete(network);
    };
  }

  /** The name of the limit that one more would break. */
  #reached(count: number): string | undefined {
    if (this.#total >= this.#limits.connections) return 'connections';
    return count >= this.#limits.connectionsPerAddress ? 'connections_per_address' : undefined;
  }

  #report(limit: string, address: string): void {
    const now = this.#now();
    if (now - this.#reported < REPORT_INTERVAL) {
      this.#unreported += 1;
      return;
    }
    const since = this.#unreported > 0 ? { unreported: this.#unreported } : {};
    this.#log.warn('connection refused', { limit, peer: peerAddress(address), ...since });
    this.#reported = now;
    this.#unreported = 0;
  }
}

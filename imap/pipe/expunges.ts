import { ProviderViolation } from './violation.js';

/**
 * EXPUNGE responses that the client may not have yet: RFC 9051 §7.5.1 forbids them while no command is in progress and during FETCH,
 * STORE and SEARCH, because the client's message numbers would change under its hands. A provider that keeps to that never fills this.
 */
export class HeldExpunges {
  /** Numbers of the messages, as the provider counts before each goes. */
  #held: number[] = [];

  /** Responses that may be held. */
  static readonly LIMIT = 2_000;

  get none(): boolean {
    return this.#held.length === 0;
  }

  /** How many messages the client still counts, and the provider does not. */
  get count(): number {
    return this.#held.length;
  }

  /** Holds a response back. `number` is that of the message, as the provider counts before it goes. */
  hold(number: number): void {
    if (this.#held.length >= HeldExpunges.LIMIT) {
      throw new ProviderViolation('The mail provider reports deleted messages where it must not.');
    }
    this.#held.push(number);
  }

  /** Gives out the responses, in order. The client's numbers are the provider's then. */
  release(): readonly Buffer[] {
    return this.#held.splice(0).map((number) => Buffer.from(`* ${number} EXPUNGE\r\n`));
  }

  /** What the client calls the message with this number of the provider's. */
  clientNumber(number: number): number {
    return this.#held.reduceRight((client, expunged) => (client >= expunged ? client + 1 : client), number);
  }
}

/** SCRAM-SHA-256 as the client (RFC 5802, RFC 7677). Pure but for the derivation of the key, which runs beside the main thread. */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { strictBase64 } from '../sasl.js';
import { LIMITS } from './limits.js';
import { saslprep } from './saslprep.js';

const derive = promisify(pbkdf2);

export interface ScramOptions {
  readonly user: string;
  readonly password: string;
  /** Printable, without a comma, and new for each exchange: 18 random octets in base64. */
  readonly nonce: string;
  /** For SCRAM-SHA-256-PLUS: the name of the channel binding and its data (RFC 5929, RFC 9266). */
  readonly binding?: { readonly type: string; readonly data: Buffer };
}

/** The exchange cannot go on. The message says why in words that hold no secret. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

/** One exchange: `first`, then `final` for the server's first message, then `verify` for its last. */
export class ScramClient {
  /** `client-first-message`. */
  readonly first: string;
  readonly #bare: string;
  readonly #header: string;
  readonly #options: ScramOptions;
  #expected: Buffer | undefined;

  /** Throws ScramError for a user name or password that cannot be prepared. */
  constructor(options: ScramOptions) {
    const { binding, nonce } = options;
    const user = saslprep(options.user);
    const password = saslprep(options.password);
    if (user === undefined || password === undefined || password === '') {
      throw new ScramError('The user name or password has characters in it that SCRAM does not allow (RFC 4013)');
    }
    this.#options = { ...options, password };
    // "n": we do not do channel binding here. "y" would say that we could have, and the server cannot.
    this.#header = binding === undefined ? 'n,,' : `p=${binding.type},,`;
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
    this.first = this.#header + this.#bare;
  }

  /** `client-final-message`, in answer to `server-first-message`. Rejects with ScramError. */
  async final(serverFirst: string): Promise<string> {
    const { nonce, password, binding } = this.#options;
    // An "m=" before it is an extension that is mandatory and that nobody has defined (RFC 5802 §5.1).
    const [, combined, salt64, count] =
      /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([0-9]{1,9})(?:,|$)/.exec(serverFirst) ?? [];
    const salt = strictBase64(salt64 ?? '');
    if (combined === undefined || salt === undefined || salt.length === 0 || tooLong(combined) || tooLong(salt)) {
      throw new ScramError('The first message of the server is malformed');
    }
    if (!combined.startsWith(nonce) || combined.length === nonce.length) {
      throw new ScramError('The server did not add to our nonce, or replaced it');
    }
    const iterations = Number(count);
    const [least, most] = LIMITS.scramIterations;
    if (iterations < least || iterations > most) {
      throw new ScramError(`The server asks for ${iterations} iterations; allowed are ${least} to ${most}`);
    }
    const salted = await derive(password, salt, iterations, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const header = Buffer.concat([Buffer.from(this.#header), binding?.data ?? Buffer.alloc(0)]);
    const withoutProof = `c=${header.toString('base64')},r=${combined}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
    const proof = clientKey.map((octet, at) => octet ^ (signature[at] ?? 0));
    this.#expected = hmac(hmac(salted, 'Server Key'), message);
    salted.fill(0);
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  }

  /** Checks `server-final-message`: `verified`, or `refused` where the server does not accept us. Throws ScramError. */
  verify(serverFinal: string): 'verified' | 'refused' {
    if (/^e=[!-+\--~]+/.test(serverFinal)) return 'refused';
    const [, signature64] = /^v=([A-Za-z0-9+/=]+)(?:,|$)/.exec(serverFinal) ?? [];
    const signature = strictBase64(signature64 ?? '');
    const expected = this.#expected;
    if (expected === undefined || signature?.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new ScramError('The server does not prove that it knows the password');
    }
    return 'verified';
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function tooLong({ length }: Buffer | string): boolean {
  return length > LIMITS.scramFieldOctets;
}

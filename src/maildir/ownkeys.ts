import type { KeyName } from '#lib/message/addressed';
import type { Keyring } from '#lib/keys/keyring';
import type { PrivateKey, PublicKey } from '#lib/openpgp/library';
import type { Issuer } from '#lib/openpgp/verification';
import { type Passphrases, unlockKey } from '../passphrase.js';

/** The keyring's private keys for a run over many messages: each is looked up once and unlocked once, when it is needed. */
export class OwnKeys {
  readonly #keyring: Keyring;
  readonly #passphrases: Passphrases;
  readonly #stop: AbortController;
  readonly #found = new Map<string, Promise<readonly PrivateKey[]>>();
  readonly #unlocked = new Map<string, Promise<PrivateKey>>();
  #failure: { readonly error: unknown } | undefined;
  #asking: Promise<unknown> = Promise.resolve();

  /** `stop` ends the run when a key cannot be unlocked: no other message would fare better. */
  constructor(keyring: Keyring, passphrases: Passphrases, stop: AbortController) {
    this.#keyring = keyring;
    this.#passphrases = passphrases;
    this.#stop = stop;
  }

  /** Throws what kept a key from being unlocked. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** True where a message for these recipients names a key of ours. */
  async has(recipients: readonly KeyName[]): Promise<boolean> {
    return (await this.#named(recipients)).length > 0;
  }

  /** The unlocked keys for a message: the ones it names, or all where it names none of ours and hides a recipient. */
  async unlock(recipients: readonly KeyName[]): Promise<readonly PrivateKey[]> {
    const { isAnonymous } = await import('#lib/message/addressed');
    let keys = await this.#named(recipients);
    if (keys.length === 0 && recipients.some(isAnonymous)) keys = await this.#lookup('0'.repeat(16));
    return Promise.all(keys.map((key) => this.#open(key)));
  }

  async #named(recipients: readonly KeyName[]): Promise<readonly PrivateKey[]> {
    const { isAnonymous, isOfCertificate } = await import('#lib/message/addressed');
    const found = new Set<PrivateKey>();
    for (const name of recipients) {
      if (isAnonymous(name)) continue;
      for (const key of await this.#lookup(name.keyID)) if (isOfCertificate(name, key)) found.add(key);
    }
    return [...found];
  }

  /** The certificates that a signature may be checked with. */
  async verifiers({ keyID, fingerprint }: Issuer): Promise<readonly PublicKey[]> {
    const hex = fingerprint ?? keyID;
    return hex === '' ? [] : (await this.#keyring.withFingerprint(hex)).map(({ certificate }) => certificate);
  }

  #lookup(keyID: string): Promise<readonly PrivateKey[]> {
    let found = this.#found.get(keyID);
    if (found === undefined) {
      found = this.#keyring.privateKeysForMessage([keyID]).then((stored) => stored.map(({ key }) => key));
      this.#found.set(keyID, found);
    }
    return found;
  }

  #open(key: PrivateKey): Promise<PrivateKey> {
    const fingerprint = key.getFingerprint();
    let unlocked = this.#unlocked.get(fingerprint);
    if (unlocked === undefined) {
      // One question at a time: messages are worked on side by side.
      unlocked = this.#asking.then(() => unlockKey(key, this.#passphrases));
      this.#asking = unlocked.catch((error: unknown) => {
        this.#failure ??= { error };
        this.#stop.abort();
      });
      this.#unlocked.set(fingerprint, unlocked);
    }
    return unlocked;
  }
}

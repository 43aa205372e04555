import type { Source } from '#lib/bytes/source';
import type { Log } from '#lib/log';
import { type SealedMessage, sealAtRest } from '#lib/message/seal';
import type { SummaryKey } from '#lib/message/summary';
import { OpenPGPError } from '#lib/openpgp/error';
import type { PrivateKey, PublicKey } from '#lib/openpgp/library';
import { type Recipient, chooseRecipient } from '#lib/openpgp/recipient';
import type { OpenVault } from '#lib/vault/openvault';
import { privateKeysOf } from '#lib/vault/privatekey';
import type { Profile } from '#lib/vault/profile';
import { encodeMailbox, mailboxKey } from './wire/mailbox.js';

/** What the handlers of a session's commands need of the user's account. */
export interface Account {
  /** What the provider can after login, in upper case. */
  readonly capabilities: readonly string[];
  /** Mailboxes, as `mailboxKey` names them, in which messages are stored as they come. */
  readonly exempt: ReadonlySet<string>;
  /** The private keys, newest first. They are read when they are first asked for, because most sessions are idle. */
  readonly keys: () => Promise<readonly PrivateKey[]>;
  /**
   * Brings a message into its stored form. One that is encrypted to a key of the account already is kept, unless `double` is `always`.
   * `record` is what its summary tells of it.
   * Rejects with OpenPGPError, `unusable-key` where the account has no key that can be encrypted to, and with what reading the
   * message throws.
   */
  readonly seal: (
    message: Source,
    options?: { readonly double?: 'never' | 'always'; readonly record?: Buffer | undefined },
  ) => Promise<SealedMessage>;
  readonly log: Log;
}

/** The account behind an opened vault, of which it reads nothing once that is closed. */
export function accountOf(
  vault: OpenVault,
  { policies }: Profile,
  { capabilities, log, summaryKey }: Pick<Account, 'capabilities' | 'log'> & { readonly summaryKey: SummaryKey },
): Account {
  let keys: Promise<readonly PrivateKey[]> | undefined;
  const read = (): Promise<readonly PrivateKey[]> => (keys ??= privateKeysOf(vault));
  const exempt = (policies.exempt ?? []).map((name) => mailboxKey(encodeMailbox(name, 'utf-8'), 'utf-8'));
  return {
    capabilities,
    exempt: new Set(exempt),
    log,
    keys: read,
    seal: async (message, { double = 'never', record } = {}) => {
      const owned = (await read()).map((key) => key.toPublic());
      return sealAtRest(message, {
        recipients: [await newestUsable(owned)],
        owned,
        double,
        originKey: vault.originKey,
        ...(record === undefined ? {} : { summary: { key: summaryKey, record } }),
        ...(policies.compatible === undefined ? {} : { compatible: policies.compatible }),
        ...(policies.headers === undefined ? {} : { policy: policies.headers }),
      });
    },
  };
}

/** The first certificate that can be encrypted to. It is looked for anew each time, since one may expire meanwhile. */
async function newestUsable(certificates: readonly PublicKey[]): Promise<Recipient> {
  let failure: OpenPGPError | undefined;
  for (const certificate of certificates) {
    try {
      return await chooseRecipient(certificate);
    } catch (error) {
      if (!(error instanceof OpenPGPError)) throw error;
      failure ??= error;
    }
  }
  throw failure ?? new OpenPGPError('unusable-key', 'The vault has no private key, so that nothing can be encrypted.');
}

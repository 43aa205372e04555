import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { KeyringError } from '#lib/keys/error';
import { Keyring } from '#lib/keys/keyring';
import { REVOCATION_REASONS, type Revocation, type RevocationReason, applyRevocation, revoke } from '#lib/keys/revoke';
import type { StoredCertificate } from '#lib/keys/stored';
import type { Context } from '../../command.js';
import { Exit, Failure } from '../../exit.js';
import { print } from '../../output.js';
import { type PassphraseOptions, addPassphraseOptions, passphrasesFrom, unlockKey } from '../../passphrase.js';
import { resolveOne } from './resolve.js';

interface Options extends PassphraseOptions {
  readonly reason: RevocationReason;
  readonly comment: string;
  readonly saved?: boolean;
  readonly json?: boolean;
}

export function defineRevoke(command: Command, context: Context): void {
  command
    .argument('<name>', 'address, fingerprint or long key ID')
    .addOption(new Option('--reason <reason>', 'why').choices(REVOCATION_REASONS).default('none'))
    .option('--comment <text>', 'what others are told about the reason', '')
    .option('--saved', 'use the revocation that was kept when the key was made; it needs no passphrase')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
There is no way back. What is encrypted to the key can still be decrypted. Others learn of it from the revoked certificate
(postern key export NAME) or from the revocation, whose file is printed.

Examples:
  $ postern key revoke alice@example.com --reason superseded
  $ postern key revoke 0x35ACEE8AAA5FAC52 --saved`,
    )
    .action((name: string, options: Options) => run(name, options, context));
  addPassphraseOptions(command);
}

async function run(name: string, options: Options, context: Context): Promise<void> {
  const keyring = new Keyring(context.home());
  const stored = await resolveOne(keyring, name);
  const { certificate, armored } = await revocationOf(keyring, stored, options);
  const path = await keyring.write(async (writer) => {
    await writer.addCertificate(certificate, stored.provenance);
    return writer.keepRevocation(certificate, armored);
  });
  const fingerprint = certificate.getFingerprint().toUpperCase();
  await print(
    options.json === true
      ? `${JSON.stringify({ fingerprint, revocation: path }, null, 2)}\n`
      : `revoked ${fingerprint}, revocation in ${path}\n`,
  );
}

async function revocationOf(keyring: Keyring, stored: StoredCertificate, options: Options): Promise<Revocation> {
  const { certificate } = stored;
  const fingerprint = certificate.getFingerprint().toUpperCase();
  if (options.saved === true) {
    return applyRevocation(certificate, await readKept(keyring.revocationPath(certificate), fingerprint));
  }
  const [secret] = await keyring.privateKeysWithFingerprint(fingerprint);
  if (secret === undefined) {
    throw new KeyringError(
      'not-found',
      `There is no private key ${fingerprint} in the keyring, which alone can revoke it; a revocation that somebody sent is applied by "postern key import".`,
    );
  }
  return revoke(await unlockKey(secret.key, passphrasesFrom(options)), options.reason, options.comment);
}

async function readKept(path: string, fingerprint: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    throw new Failure(Exit.noInput, `For --saved, no revocation of ${fingerprint} was kept: ${path} cannot be read.`, {
      cause: error,
    });
  }
}

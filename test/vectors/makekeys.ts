/** Makes the private keys of test/vectors/keys. They are test keys: unprotected, published, worth nothing. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { config, enums, generateKey } from '#lib/openpgp/library';
import { GnuPG } from '#test/peers';
import { type KeyName, VECTORS } from './catalogue.js';

const CREATED = new Date('2026-01-01T00:00:00Z');

/** Key and subkey parameters for gpg's unattended key generation. */
const GNUPG: readonly (readonly [name: KeyName, key: string, subkey: string])[] = [
  ['gpg-curve25519', 'EDDSA/ed25519', 'ECDH/cv25519'],
  ['gpg-p256', 'ECDSA/nistp256', 'ECDH/nistp256'],
  ['gpg-p384', 'ECDSA/nistp384', 'ECDH/nistp384'],
  ['gpg-p521', 'ECDSA/nistp521', 'ECDH/nistp521'],
  ['gpg-brainpool256', 'ECDSA/brainpoolP256r1', 'ECDH/brainpoolP256r1'],
  ['gpg-brainpool384', 'ECDSA/brainpoolP384r1', 'ECDH/brainpoolP384r1'],
  ['gpg-brainpool512', 'ECDSA/brainpoolP512r1', 'ECDH/brainpoolP512r1'],
  ['gpg-rsa2048', 'RSA/2048', 'RSA/2048'],
  ['gpg-rsa3072', 'RSA/3072', 'RSA/3072'],
  ['gpg-rsa4096', 'RSA/4096', 'RSA/4096'],
];

export async function makeKeys(): Promise<void> {
  mkdirSync(new URL('keys/', VECTORS), { recursive: true });
  const gpg = new GnuPG();
  try {
    for (const [name, key, subkey] of GNUPG) {
      const parameters = [
        ...parameter('Key', key),
        'Key-Usage: sign',
        ...parameter('Subkey', subkey),
        'Subkey-Usage: encrypt',
        'Name-Real: Test key',
        `Name-Email: ${name}@example.com`,
        'Expire-Date: 0',
        '%no-protection',
        '%commit',
      ];
      await gpg.run(['--faked-system-time', '20260101T000000!', '--generate-key'], Buffer.from(parameters.join('\n')));
      write(name, (await gpg.run(['--armor', '--export-secret-keys', `${name}@example.com`])).toString('latin1'));
    }
  } finally {
    gpg.close();
  }
  await makeOwn('openpgpjs-x25519-v4', 'curve25519', 4);
  await makeOwn('openpgpjs-x25519-v6', 'curve25519', 6);
  await makeOwn('openpgpjs-x448-v6', 'curve448', 6);
}

function parameter(role: string, type: string): string[] {
  const [algorithm, detail] = type.split('/') as [string, string];
  const what = algorithm === 'RSA' ? 'Length' : 'Curve';
  return [`${role}-Type: ${algorithm}`, `${role}-${what}: ${detail}`];
}

/** A key that announces SEIPDv2 with OCB first and GCM next, as keys made by Postern do. */
async function makeOwn(name: KeyName, type: 'curve25519' | 'curve448', version: 4 | 6): Promise<void> {
  const { privateKey } = await generateKey({
    type,
    userIDs: [{ name: 'Test key', email: `${name}@example.com` }],
    date: CREATED,
    format: 'armored',
    config: { ...config, aeadProtect: true, preferredAEADAlgorithm: enums.aead.ocb, v6Keys: version === 6 },
  });
  write(name, privateKey);
}

function write(name: KeyName, armored: string): void {
  const comment = 'Comment: Test key, published on purpose. Never use it.';
  const text = armored.replaceAll('\r', '').replace('BLOCK-----\n', `BLOCK-----\n${comment}\n`);
  writeFileSync(new URL(`keys/${name}.asc`, VECTORS), text);
}

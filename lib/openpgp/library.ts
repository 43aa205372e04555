/**
 * lib/openpgp: sealing and opening OpenPGP messages as streams (RFC 9580).
 *
 * Keys, certificates and their signatures are the package `openpgp`'s. The bulk layer, armor, session keys and the private-key
 * step run on node:crypto, 3 to 100 times as fast and in constant memory. The way through: seal.ts and open.ts are the two
 * doors; seek.ts opens a range of a SEIPDv2 message; armor, packet, cfb, aead, sessionkey, signature are the layers.
 *
 * This file is the one place where the package is loaded and configured. It is loaded in its CommonJS form because that one is
 * minified, which shortens the start of every command.
 */
import { createRequire } from 'node:module';
import type * as OpenPGP from 'openpgp';

const openpgp = createRequire(import.meta.url)('openpgp') as typeof OpenPGP;

/** 2^17 KiB = 128 MiB: twice what RFC 9106's second recommended setting needs; a hostile key may not ask for more. */
openpgp.config.maxArgon2MemoryExponent = 17;
/** RFC 9106, second recommended setting: 64 MiB, three passes, four lanes. */
openpgp.config.s2kArgon2Params = { memoryExponent: 16, passes: 3, parallelism: 4 };
openpgp.config.constantTimePKCS1Decryption = true;
openpgp.config.maxDecompressedMessageSize = 64 * 1024 * 1024;
openpgp.config.maxUserIDLength = 2048;
openpgp.config.showVersion = false;
openpgp.config.showComment = false;

export const {
  config,
  decryptKey,
  encryptKey,
  enums,
  generateKey,
  readKey,
  readKeys,
  readPrivateKey,
  readPrivateKeys,
  reformatKey,
  revokeKey,
  unarmor,
  PacketList,
  SignaturePacket,
  SymEncryptedIntegrityProtectedDataPacket,
  CompressedDataPacket,
} = openpgp;

export type Key = OpenPGP.Key;
export type PublicKey = OpenPGP.PublicKey;
export type PrivateKey = OpenPGP.PrivateKey;
export type Subkey = OpenPGP.Subkey;
export type AnyKeyPacket = OpenPGP.AnyKeyPacket;
export type AnySecretKeyPacket = OpenPGP.AnySecretKeyPacket;
export type Signature = OpenPGP.SignaturePacket;
export type HashAlgorithm = OpenPGP.enums.hash;
export type Config = OpenPGP.Config;
export type PartialConfig = OpenPGP.PartialConfig;

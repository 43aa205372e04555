/** Every limit of lib/vault: default, unit, reason. */
export const LIMITS = {
  /** Octets of a vault. Keys are the largest part; with all other limits reached it stays below this. */
  fileSize: 16 * 1024 * 1024,
  /** Octets of a file's name in the vaults folder: file systems take 255, and the atomic write and the lock append to it. */
  fileName: 200,
  /** Passwords, recovery code and key files of a vault. Each costs a login some ten microseconds. */
  slots: 64,
  /** Profiles of a vault. */
  profiles: 64,
  /** Private keys of a vault. */
  keys: 16,
  /** Octets of a private key: that of lib/keys for a certificate. */
  keySize: 1024 * 1024,
  /** Characters of the name of a profile, an app password or a key file. */
  name: 64,
  /** Characters of a host's name (RFC 1035 §2.3.4). */
  host: 253,
  /** Octets of a user name at the provider. */
  providerUser: 512,
  /** Octets of a password or a token. Access tokens of large providers have up to 4 KB. */
  secret: 16 * 1024,
  /** Mailboxes of a profile that are exempt from encryption. */
  exempt: 64,
  /** Octets of the name of one. Dovecot allows 4,096 at most. */
  mailbox: 4096,
  /** Octets of a PEM file: a bundle of some dozen authorities, or a client certificate with its chain. */
  pem: 128 * 1024,
  /** Argon2 runs at once in this process: 64 MiB and one of libuv's four threads each; two threads are left for files and names. */
  argon2Running: 2,
  /** Argon2 runs that may wait for these. At 50 ms each the last one waits some seconds; who logs in then is told to come back. */
  argon2Waiting: 100,
  /** KiB, passes and lanes of Argon2 that a file may ask for. What is above costs memory and time before anything is authenticated. */
  argon2Memory: 256 * 1024,
  argon2Passes: 10,
  argon2Lanes: 16,
  /** Milliseconds that a change waits for another one of the same vault. */
  lockPatience: 15_000,
  /** Milliseconds after which a temporary file is what a crash has left, and not one that is being written. */
  leftover: 3_600_000,
} as const;

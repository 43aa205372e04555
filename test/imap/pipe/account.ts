import type { Account } from '#imap/account';
import { SILENT } from '#lib/log';

/** An account without keys, in which nothing can be encrypted. */
export function fakeAccount(changes: Partial<Account> = {}): Account {
  return {
    capabilities: [],
    keys: () => Promise.resolve([]),
    seal: () => Promise.reject(new Error('There is nothing to encrypt with.')),
    log: SILENT,
    ...changes,
  };
}

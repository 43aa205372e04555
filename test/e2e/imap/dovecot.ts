/** A Dovecot of our own that serves IMAP with every extension it has. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../dialogue.js';
import { type Account, mailAccount, own } from '../site.js';
import { makeCertificate } from './certificate.js';
import { startDaemon } from './daemon.js';
import { type MailServer, PASSWORD } from './endpoint.js';

export interface DovecotOptions {
  /** How messages are stored. Maildir lets a test look at the files; sdbox is quicker. */
  readonly format?: 'maildir' | 'sdbox';
  /** The folder in which its own is made (default: the system's for temporary files). */
  readonly within?: string;
  /** What each user may store, as Dovecot writes it. Default `4G`. */
  readonly quota?: string;
  /** The largest message. Default `200M`. */
  readonly largest?: string;
}

/**
 * Starts Dovecot on two ports of 127.0.0.1. Every user name is known, with an empty INBOX. Mailboxes lie in FOLDER/mail/USER.
 */
export async function startDovecot(options: DovecotOptions = {}): Promise<MailServer & { readonly folder: string }> {
  const account = mailAccount();
  const folder = mkdtempSync(join(options.within ?? tmpdir(), 'postern-dovecot-'));
  chmodSync(folder, 0o755);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const { ca, certificate, key } = makeCertificate(folder);
  const mail = join(folder, 'mail');
  mkdirSync(mail);
  own(mail, account);
  const log = join(folder, 'log');
  const file = join(folder, 'dovecot.conf');
  const places = { folder, mail, log, certificate, key };
  writeFileSync(file, configuration(places, [port, tlsPort], account, options));
  const read = (): string => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  try {
    const daemon = await startDaemon('dovecot', ['-F', '-c', file], { port });
    return {
      name: 'Dovecot',
      folder,
      pid: daemon.pid,
      endpoint: (user, tls = 'none') => {
        const from = { host: 'localhost', port: tls === 'implicit' ? tlsPort : port, tls, ca };
        return { ...from, user, password: PASSWORD };
      },
      log: read,
      stop: async () => {
        await daemon.stop();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    const text = read();
    rmSync(folder, { recursive: true });
    throw new Error(`Dovecot did not start: ${text}`, { cause: error });
  }
}

interface Places {
  readonly folder: string;
  readonly mail: string;
  readonly log: string;
  readonly certificate: string;
  readonly key: string;
}

function configuration(
  { folder, mail, log, certificate, key }: Places,
  [port, tlsPort]: readonly [number, number],
  account: Account,
  { format = 'sdbox', quota = '4G', largest = '200M' }: DovecotOptions,
): string {
  const root = process.getuid?.() === 0;
  const unprivileged = ['anvil', 'imap-login', 'imap-urlauth', 'stats', 'old-stats']
    .map((service) => `service ${service} {\n  chroot =\n}\n`)
    .join('');
  // The limits are for a thousand sessions of one user.
  return `base_dir = ${join(folder, 'run')}
log_path = ${log}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate}
ssl_key = <${key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = ${root ? 'dovecot' : account.name}
default_internal_group = ${root ? 'dovecot' : account.group}
default_login_user = ${root ? 'dovenull' : account.name}
${root ? '' : unprivileged}
first_valid_uid = 1
mail_location = ${format}:~/mail
mailbox_list_index = yes
mail_attribute_dict = file:%h/attributes
mail_plugins = acl quota zlib
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=${account.uid} gid=${account.gid} home=${mail}/%u
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = create
  }
}
plugin {
  acl = vfile
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=${quota}
  quota_max_mail_size = ${largest}
}
protocol imap {
  mail_plugins = $mail_plugins imap_acl imap_quota imap_zlib
  imap_metadata = yes
  mail_max_userip_connections = 5000
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
  service_count = 0
  process_limit = 4
  client_limit = 3000
}
service imap {
  process_limit = 3000
}
service anvil {
  client_limit = 8000
  # No waiting after wrong passwords.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 8000
}
`;
}

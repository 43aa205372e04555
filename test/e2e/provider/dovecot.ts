/** A Dovecot that offers every way to log in that we know, on loopback, with the certificates of a test's authority. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuthority } from '../../lib/net/certificates.js';
import { freePort } from '../dialogue.js';

export const PASSWORD = 'gehëim "in" \\ sechs Wörtern';
/** The secret that access tokens are signed with (HS256). */
const TOKEN_KEY = 'a key that the token server and Dovecot share';

export interface LoginServer {
  readonly port: number;
  readonly tlsPort: number;
  readonly authority: ReturnType<typeof makeAuthority>;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

export interface LoginServerOptions {
  /** Names of `auth_mechanisms`. */
  readonly mechanisms: string;
  /** True refuses clients without a certificate of the authority. */
  readonly clientCertificate?: boolean;
  /** False refuses passwords in clear (LOGINDISABLED). */
  readonly clear?: boolean;
}

/** An access token for a user, as JSON Web Token (RFC 7519). */
export function accessToken(user: string, seconds = 3600): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, iat: now - 60, exp: now + seconds })}`;
  return `${text}.${createHmac('sha256', TOKEN_KEY).update(text).digest('base64url')}`;
}

/** Starts one. The user is `alice`. */
export async function startLoginServer(options: LoginServerOptions): Promise<LoginServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-login-'));
  chmodSync(folder, 0o755);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const authority = makeAuthority();
  const { certificate, key } = authority.issue('localhost');
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  const root = process.getuid?.() === 0;
  const name = root ? 'mail' : userInfo().username;
  const id = (option: string): string => execFileSync('id', [option, name], { encoding: 'utf8' }).trim();
  const mail = join(folder, 'mail');
  mkdirSync(mail);
  if (root) chownSync(mail, +id('-u'), +id('-g'));
  const log = join(folder, 'log');
  const keys = file('keys/default/HS256/default', Buffer.from(TOKEN_KEY).toString('base64'));
  const oauth = file(
    'oauth2.conf',
    `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${dirname(dirname(dirname(keys)))}/
username_attribute = sub
`,
  );
  const configuration = file(
    'dovecot.conf',
    `base_dir = ${join(folder, 'run')}
log_path = ${log}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${file('server.pem', certificate)}
ssl_key = <${file('server.key', key)}
${options.clientCertificate === true ? `ssl_ca = <${file('ca.pem', authority.ca)}\nssl_require_crl = no\nssl_verify_client_cert = yes\nauth_ssl_require_client_cert = yes` : ''}
disable_plaintext_auth = ${options.clear === true ? 'no' : 'yes'}
auth_mechanisms = ${options.mechanisms}
auth_failure_delay = 0
default_internal_user = ${root ? 'dovecot' : name}
default_internal_group = ${root ? 'dovecot' : id('-gn')}
default_login_user = ${root ? 'dovenull' : name}
${root ? '' : 'service anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}\n'}
first_valid_uid = 1
mail_location = sdbox:~/mail
mail_plugins = zlib
protocol imap {
  mail_plugins = zlib imap_zlib
}
# Loopback would count as secure.
login_trusted_networks =
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = ${oauth}
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${file('passwords', `alice:{PLAIN.b64}${Buffer.from(PASSWORD).toString('base64')}\n`)}
}
userdb {
  driver = static
  args = uid=${id('-u')} gid=${id('-g')} home=${mail}/%u
}
namespace inbox {
  inbox = yes
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`,
  );
  const child = spawn('dovecot', ['-F', '-c', configuration], { stdio: 'ignore' });
  const read = (): string => readFileSync(log, { encoding: 'utf8', flag: 'a+' });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(child, tlsPort);
  } catch (error) {
    const text = read();
    await stop();
    throw new Error(`Dovecot did not start: ${text}`, { cause: error });
  }
  return { port, tlsPort, authority, log: read, stop };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port} after 15 seconds`);
}

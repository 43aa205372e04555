import { randomBytes } from 'node:crypto';
import type { Concealed } from '#lib/net/tlsclient';
import { strictBase64 } from '../sasl.js';
import { type CommandOptions, type Dialogue, type Outcome, nameOf } from './dialogue.js';
import { ProviderError } from './error.js';
import { ScramClient, ScramError } from './scram.js';

/** Who we are at the provider. */
export type ProviderCredentials =
  | { readonly kind: 'password'; readonly user: string; readonly secret: Concealed }
  | {
      readonly kind: 'token';
      readonly user: string;
      /** An OAuth 2.0 access token (RFC 6750). */
      readonly secret: Concealed;
      /** Gets another access token after the provider has refused this one. Asked once at most. */
      readonly refresh?: () => Promise<Concealed>;
    };

/** Ways to log in, strongest first. `LOGIN` is the command of that name. */
export const PASSWORD_MECHANISMS = ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'] as const;
export const TOKEN_MECHANISMS = ['OAUTHBEARER', 'XOAUTH2'] as const;
export type ProviderMechanism = (typeof PASSWORD_MECHANISMS)[number] | (typeof TOKEN_MECHANISMS)[number];

/** The strongest way that the provider offers and that is allowed here. */
export function chooseMechanism(
  kind: ProviderCredentials['kind'],
  capabilities: readonly string[],
  allowed: readonly ProviderMechanism[] = [...PASSWORD_MECHANISMS, ...TOKEN_MECHANISMS],
): ProviderMechanism | undefined {
  const ways: readonly ProviderMechanism[] = kind === 'password' ? PASSWORD_MECHANISMS : TOKEN_MECHANISMS;
  return ways.find((way) => {
    if (!allowed.includes(way)) return false;
    return way === 'LOGIN' ? !capabilities.includes('LOGINDISABLED') : capabilities.includes(`AUTH=${way}`);
  });
}

/** Logs in. Rejects with ProviderError: `refused` where the provider does not accept the credentials. */
export async function logIn(
  dialogue: Dialogue,
  mechanism: ProviderMechanism,
  { user, secret }: Pick<ProviderCredentials, 'user' | 'secret'>,
  capabilities: readonly string[],
): Promise<Outcome> {
  const text = secret.reveal();
  dialogue.conceal(text, base64(text));
  // Control characters have no place in either, and a NUL would end the field of PLAIN that it stands in.
  if (user === '' || text === '' || /\p{Cc}/u.test(user) || /[\0\r\n]/.test(text)) {
    throw new ProviderError(
      'refused',
      'The user name or secret for the provider is empty or has control characters in it.',
    );
  }
  const isInitial = capabilities.includes('SASL-IR');
  switch (mechanism) {
    case 'SCRAM-SHA-256':
      return scram(dialogue, user, text, isInitial);
    case 'PLAIN':
      return authenticate(dialogue, mechanism, `\0${user}\0${text}`, isInitial);
    case 'LOGIN':
      return login(dialogue, user, text, capabilities);
    case 'OAUTHBEARER': {
      const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C');
      return authenticate(dialogue, mechanism, `n,a=${name},\x01auth=Bearer ${text}\x01\x01`, isInitial);
    }
    case 'XOAUTH2':
      return authenticate(dialogue, mechanism, `user=${user}\x01auth=Bearer ${text}\x01\x01`, isInitial);
  }
}

/** A mechanism whose one message says everything. */
async function authenticate(
  dialogue: Dialogue,
  mechanism: 'PLAIN' | 'OAUTHBEARER' | 'XOAUTH2',
  message: string,
  isInitial: boolean,
): Promise<Outcome> {
  const line = base64(message);
  dialogue.conceal(line);
  let sent = isInitial;
  const respond: CommandOptions['respond'] = () => {
    if (!sent) {
      sent = true;
      return line;
    }
    // The second challenge says why the token is refused. The answer is ^A (RFC 7628 §3.2.3) or empty (XOAUTH2); then comes the NO.
    if (mechanism === 'OAUTHBEARER') return 'AQ==';
    return mechanism === 'XOAUTH2' ? '' : undefined;
  };
  const command = `AUTHENTICATE ${mechanism}${isInitial ? ` ${line}` : ''}`;
  return accepted(dialogue, await dialogue.command((writer) => writer.syntax(command), { respond }));
}

async function scram(dialogue: Dialogue, user: string, password: string, isInitial: boolean): Promise<Outcome> {
  try {
    const client = new ScramClient({ user, password, nonce: randomBytes(18).toString('base64') });
    const proof = { given: false };
    const steps: ((challenge: string) => Promise<string> | string)[] = [
      (challenge) => client.final(challenge),
      (challenge) => {
        proof.given = client.verify(challenge) === 'verified';
        return '';
      },
    ];
    if (!isInitial) steps.unshift(() => client.first);
    const respond: CommandOptions['respond'] = async (challenge) => {
      const step = steps.shift();
      const text = strictBase64(challenge);
      if (step === undefined || text === undefined) return undefined;
      return base64(await step(text.toString()));
    };
    const command = `AUTHENTICATE SCRAM-SHA-256${isInitial ? ` ${base64(client.first)}` : ''}`;
    const outcome = accepted(dialogue, await dialogue.command((writer) => writer.syntax(command), { respond }));
    // Whoever says OK without the proof does not know the password, and is not the provider.
    if (!proof.given) throw new ScramError('The server does not prove that it knows the password');
    return outcome;
  } catch (error) {
    if (!(error instanceof ScramError)) throw error;
    throw new ProviderError(
      'insecure',
      `The login at ${dialogue.peer} was given up. ${error.message}. Check that it is the right server, or ask the provider.`,
      { cause: error },
    );
  }
}

/** The LOGIN command (RFC 9051 §6.2.3): each argument quoted, or a literal where it cannot be. */
async function login(
  dialogue: Dialogue,
  user: string,
  password: string,
  capabilities: readonly string[],
): Promise<Outcome> {
  dialogue.conceal(password.replace(/["\\]/g, '\\$&'));
  const outcome = await dialogue.command(
    (writer) => writer.syntax('LOGIN ').string(Buffer.from(user)).space().string(Buffer.from(password)),
    { nonSynchronizing: capabilities.includes('LITERAL+') ? Infinity : capabilities.includes('LITERAL-') ? 4_096 : 0 },
  );
  return accepted(dialogue, outcome);
}

function accepted(dialogue: Dialogue, outcome: Outcome): Outcome {
  const { end } = outcome;
  if (end.status === 'OK') return outcome;
  const { peer } = dialogue;
  if (end.status === 'BAD') throw dialogue.error('protocol', `The server ${peer} did not understand the login`, end);
  // RFC 5530 §3: these say that something other than the credentials stands in the way.
  if (['UNAVAILABLE', 'INUSE', 'SERVERBUG', 'LIMIT'].includes(nameOf(end.code) ?? '')) {
    throw dialogue.error('unavailable', `The server ${peer} cannot log anybody in at present`, end);
  }
  throw dialogue.error('refused', `The server ${peer} does not accept user name and secret`, end);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

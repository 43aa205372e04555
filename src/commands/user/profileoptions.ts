/** The options that describe a profile, and the profile that they make. */
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Secret } from '#lib/keys/secret';
import { LIMITS } from '#lib/vault/limits';
import {
  type ClientCertificate,
  type Profile,
  type ProviderAuth,
  type ProviderEndpoint,
  TLS_MODES,
  type TLSMode,
} from '#lib/vault/profile';
import { Exit, Failure } from '../../exit.js';
import { type PolicyOptions, addPolicyOptions, policiesFrom } from './policyoptions.js';
import { type SecretKind, addSecretOptions, askSecret, placeOf, readSecret } from '../../secretinput.js';

const PROVIDER_PASSWORD: SecretKind = {
  option: 'provider-password',
  what: "provider's password",
  limit: LIMITS.secret,
};
const ACCESS_TOKEN: SecretKind = { option: 'access-token', what: 'access token', limit: LIMITS.secret };

/** As commander hands them over, less those for secrets. */
export interface ProfileOptions extends PolicyOptions {
  readonly imapHost?: string;
  readonly imapPort?: number;
  readonly imapTls?: TLSMode;
  readonly imapCa?: string;
  readonly imapPin?: string;
  readonly smtpHost?: string;
  readonly smtpPort?: number;
  readonly smtpTls?: TLSMode;
  readonly smtpCa?: string;
  readonly smtpPin?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly auth?: 'password' | 'oauth';
  readonly providerUser?: string;
  readonly compress?: boolean;
}

/** The ports of RFC 8314 §7 and of IMAP and submission themselves. */
const PORTS: Readonly<Record<'imap' | 'smtp', Readonly<Record<TLSMode, number>>>> = {
  imap: { implicit: 993, starttls: 143, none: 143 },
  smtp: { implicit: 465, starttls: 587, none: 587 },
};

export function addProfileOptions(command: Command): Command {
  for (const [name, what] of [
    ['imap', 'IMAP server'],
    ['smtp', 'SMTP submission server'],
  ] as const) {
    const { implicit, starttls } = PORTS[name];
    command
      .option(`--${name}-host <host>`, `the provider's ${what}`)
      .option(`--${name}-port <n>`, `its port (default: ${implicit}, or ${starttls} without implicit TLS)`, parsePort)
      .addOption(
        new Option(
          `--${name}-tls <mode>`,
          'how TLS is used; none is for the loopback interface only (default: implicit)',
        ) //
          .choices(TLS_MODES),
      )
      .option(`--${name}-ca <file>`, 'PEM file of the authorities that may certify it, in place of those of the system')
      .option(
        `--${name}-pin <hash>`,
        'SHA-256 of its public key (SPKI), in base64 or hexadecimal: this key and no other',
      );
  }
  command
    .option('--client-certificate <file>', 'PEM file with our certificate for the provider, and its chain')
    .option('--client-key <file>', 'PEM file with the key of that certificate')
    .addOption(
      new Option('--auth <kind>', 'how we log in at the provider (default: password)').choices(['password', 'oauth']),
    )
    .option('--provider-user <name>', 'the user name there (default: the address)');
  addSecretOptions(command, PROVIDER_PASSWORD);
  addSecretOptions(command, ACCESS_TOKEN);
  command.option('--compress', 'compress the connection to the provider, where it offers that');
  return addPolicyOptions(command);
}

/**
 * The profile that the options describe; undefined where they name no IMAP server. `password`: what stands for the provider's
 * password, so that none is asked for. Rejects with a Failure; whether the values make sense is for the vault to say.
 */
export async function profileFrom(
  name: string,
  user: string,
  options: ProfileOptions,
  password?: Secret,
): Promise<Profile | undefined> {
  if (options.imapHost === undefined) {
    const lonely = Object.keys(options).find((each) =>
      /^(?:imap|smtp|client|provider|access|auth$|compress$|headers$|exempt$)/.test(each),
    );
    if (lonely === undefined) return undefined;
    throw new Failure(Exit.usage, 'A profile needs the name of an IMAP server; give --imap-host.');
  }
  const clientCertificate = await clientCertificateFrom(options);
  const imap = await endpoint('imap', options.imapHost, clientCertificate, {
    port: options.imapPort,
    tls: options.imapTls,
    ca: options.imapCa,
    pin: options.imapPin,
  });
  const smtp =
    options.smtpHost === undefined
      ? undefined
      : await endpoint('smtp', options.smtpHost, clientCertificate, {
          port: options.smtpPort,
          tls: options.smtpTls,
          ca: options.smtpCa,
          pin: options.smtpPin,
        });
  return {
    name,
    imap,
    ...(smtp === undefined ? {} : { smtp }),
    auth: await authFrom(user, options, password),
    compress: options.compress === true,
    policies: policiesFrom(options),
  };
}

interface EndpointOptions {
  readonly port: number | undefined;
  readonly tls: TLSMode | undefined;
  readonly ca: string | undefined;
  readonly pin: string | undefined;
}

async function endpoint(
  protocol: 'imap' | 'smtp',
  host: string,
  clientCertificate: ClientCertificate | undefined,
  { port, tls = 'implicit', ca, pin }: EndpointOptions,
): Promise<ProviderEndpoint> {
  return {
    host,
    port: port ?? PORTS[protocol][tls],
    tls,
    ...(ca === undefined ? {} : { ca: await readFile(ca, 'latin1') }),
    ...(pin === undefined ? {} : { pin: asBase64(pin) }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
}

async function clientCertificateFrom({
  clientCertificate,
  clientKey,
}: ProfileOptions): Promise<ClientCertificate | undefined> {
  if (clientCertificate === undefined && clientKey === undefined) return undefined;
  if (clientCertificate === undefined || clientKey === undefined) {
    throw new Failure(Exit.usage, 'A client certificate needs both --client-certificate and --client-key.');
  }
  const key = await readFile(clientKey);
  try {
    return { certificate: await readFile(clientCertificate, 'latin1'), key: new Secret(key) };
  } finally {
    key.fill(0);
  }
}

async function authFrom(address: string, options: ProfileOptions, known: Secret | undefined): Promise<ProviderAuth> {
  const user = options.providerUser ?? address;
  if (options.auth === 'oauth') {
    const accessToken =
      (await readSecret(placeOf(options, ACCESS_TOKEN), ACCESS_TOKEN)) ?? (await askSecret(ACCESS_TOKEN, user));
    return { kind: 'oauth', user, accessToken };
  }
  const given = known ?? (await readSecret(placeOf(options, PROVIDER_PASSWORD), PROVIDER_PASSWORD));
  return { kind: 'password', user, password: given ?? (await askSecret(PROVIDER_PASSWORD, user)) };
}

/** A hash as browsers, curl (`sha256//…`) and openssl write it. What it is not is told by the vault. */
function asBase64(pin: string): string {
  const hex = pin.replaceAll(':', '');
  return /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex').toString('base64') : pin.replace(/^sha256\/+/, '');
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number from 1 to 65535.');
}
